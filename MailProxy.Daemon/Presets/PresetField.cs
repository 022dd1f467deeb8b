using System.Text.RegularExpressions;

namespace MailProxy.Daemon.Presets;

/// <summary>One thing that a preset asks for.</summary>
/// <param name="Name">As in the values, and as the option of the command line.</param>
/// <param name="Label">For a person: what it is.</param>
/// <param name="Hint">Where it is found at the provider, or how it looks.</param>
internal sealed record PresetField(string Name, string Label, string Hint)
{
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(100);

    /// <summary>A regular expression that the whole value matches (also one of HTML forms); null: anything.</summary>
    public string? Pattern { get; init; }

    /// <summary>What is wrong with a value that does not match.</summary>
    public string? Rule { get; init; }

    /// <summary>Never shown, never an argument.</summary>
    public bool IsSecret { get; init; }

    public bool IsOptional { get; init; }

    /// <summary>The only values there are; empty: any.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>What it is when nobody says it; null: it must be said.</summary>
    public string? Default { get; init; }

    /// <summary>How people write it who copy it from somewhere: blanks within, for one.</summary>
    public Func<string, string> Clean { get; init; } = static text => text.Trim();

    /// <summary>What is wrong with a value that was cleaned; null: nothing.</summary>
    public string? Mistake(string value)
    {
        if (value.Length == 0)
            return IsOptional ? null : "it is missing.";
        if (Choices.Count > 0 && !Choices.Contains(value))
            return $"one of {string.Join(", ", Choices)}.";
        return Pattern is null || Regex.IsMatch(value, $"^(?:{Pattern})$", RegexOptions.CultureInvariant, Longest)
            ? null
            : Rule ?? $"it does not look like one. {Hint}";
    }
}
