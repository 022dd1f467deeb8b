using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace MailProxy.Daemon.Presets;

/// <summary>What a preset makes of what somebody answered, and of what a test saw. Pure.</summary>
internal static class PresetAnswer
{
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(100);

    /// <summary>The account as PUT takes it, or what is wrong, by the field's name.</summary>
    /// <param name="given">By the fields' names; others are not looked at.</param>
    public static (JsonObject? Account, IReadOnlyDictionary<string, string> Mistakes) Bind(
        Preset preset,
        IReadOnlyDictionary<string, string> given
    )
    {
        var values = new Dictionary<string, string>();
        var mistakes = new Dictionary<string, string>();
        foreach (var field in preset.Fields)
        {
            var value = given.TryGetValue(field.Name, out var text) ? field.Clean(text) : "";
            if (value.Length == 0)
                value = field.Default ?? "";
            if (field.Mistake(value) is { } mistake)
                mistakes[field.Name] = mistake;
            values[field.Name] = value;
        }

        return mistakes.Count > 0 ? (null, mistakes) : (preset.Make(new(values)), mistakes);
    }

    /// <summary>What a failed test means at this provider.</summary>
    /// <param name="preset">Null: nobody knows whose server it is.</param>
    /// <param name="stage">As the test answered it, as are the others.</param>
    public static PresetTrouble? Explain(Preset? preset, string stage, int? code, string? error) =>
        (preset?.Troubles ?? [])
            .Concat(PresetTroubles.Everywhere)
            .FirstOrDefault(one =>
                (one.Stage is null || one.Stage == stage)
                && (one.Code is null || one.Code == code)
                && (
                    one.Text is null
                    || Regex.IsMatch(error ?? "", one.Text, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, Longest)
                )
            );

    /// <summary>The preset whose server this is; null: none.</summary>
    public static Preset? OfHost(string? host) =>
        host?.ToLowerInvariant() switch
        {
            "smtp.gmail.com" or "smtp-relay.gmail.com" or "smtp.googlemail.com" => PresetCatalog.Find("gmail"),
            "smtp.office365.com" or "smtp-mail.outlook.com" => PresetCatalog.Find("microsoft"),
            "smtp.sendgrid.net" or "smtp.eu.sendgrid.net" => PresetCatalog.Find("sendgrid"),
            "smtp.mailgun.org" or "smtp.eu.mailgun.org" or "smtp.mailgun.com" => PresetCatalog.Find("mailgun"),
            "smtp.postmarkapp.com" or "smtp-broadcasts.postmarkapp.com" => PresetCatalog.Find("postmark"),
            "smtp-relay.brevo.com" or "smtp-relay.sendinblue.com" => PresetCatalog.Find("brevo"),
            { } name
                when name.StartsWith("email-smtp", StringComparison.Ordinal) && name.EndsWith(".amazonaws.com", StringComparison.Ordinal) =>
                PresetCatalog.Find("ses"),
            _ => null,
        };
}
