using System.Text.Json.Nodes;

namespace MailProxy.Daemon.Presets;

/// <summary>How an account of one provider is set up: what to ask, what account comes of it, and what trouble means there.</summary>
/// <param name="Id">As on the command line, and the account's id when no other is given.</param>
/// <param name="Title">The provider's name.</param>
/// <param name="Console">Where a person goes at the provider.</param>
/// <param name="Before">What must be done there first, a step each.</param>
/// <param name="Fields">What is asked, in order.</param>
/// <param name="Make">The account as PUT takes it, of values that have been checked.</param>
/// <param name="Troubles">What a failed test means at this provider; the first that matches.</param>
internal sealed record Preset(
    string Id,
    string Title,
    string Console,
    IReadOnlyList<string> Before,
    IReadOnlyList<PresetField> Fields,
    Func<PresetValues, JsonObject> Make,
    IReadOnlyList<PresetTrouble> Troubles
)
{
    /// <summary>The field whose value is a secret; null: there is none.</summary>
    public PresetField? Secret => Fields.FirstOrDefault(static one => one.IsSecret);
}

/// <summary>What was answered to a preset's fields.</summary>
internal sealed class PresetValues(IReadOnlyDictionary<string, string> values)
{
    /// <summary>The value of a field; empty: none was given.</summary>
    public string this[string name] => values.GetValueOrDefault(name, "");

    public bool Has(string name) => this[name].Length > 0;
}

/// <summary>What a failed test means, in words, and what to do about it.</summary>
/// <param name="Stage">Where it ended, as the test says it; null: anywhere.</param>
/// <param name="Code">The server's reply code; null: any, also none.</param>
/// <param name="Text">A part of what was said, by a regular expression; null: anything.</param>
/// <param name="Means">One sentence.</param>
/// <param name="Steps">What to click or to check, one after the other.</param>
internal sealed record PresetTrouble(string? Stage, int? Code, string? Text, string Means, IReadOnlyList<string> Steps);
