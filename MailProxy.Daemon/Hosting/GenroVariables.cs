using System.Collections;
using MailProxy.Daemon.Genro;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// Variables of genro-mail-proxy that say what settings here say: they count where those say nothing, and only while its clients are
/// served. Pure.
/// </summary>
internal static class GenroVariables
{
    private const string Enabled = "Genro:Enabled",
        Routes = "Genro:Routes";

    private static readonly (string Variable, string Path, GenroVersions Of)[] Known =
    [
        ("GMP_API_TOKEN", "Genro:AdminToken", GenroVersions.A | GenroVersions.B | GenroVersions.C),
        ("GMP_CLIENT_SYNC_URL", "Genro:SyncUrl", GenroVersions.A),
        ("GMP_CLIENT_SYNC_USER", "Genro:SyncUser", GenroVersions.A),
        ("GMP_CLIENT_SYNC_PASSWORD", "Genro:SyncPassword", GenroVersions.A),
        ("GMP_CLIENT_SYNC_TOKEN", "Genro:SyncToken", GenroVersions.A),
    ];

    /// <param name="values">What the settings say, by path; added to.</param>
    public static void Add(IDictionary environment, IDictionary<string, SettingValue> values)
    {
        if (!bool.TryParse(Text(values, Enabled), out var enabled) || !enabled)
            return;
        var versions = GenroVersionNames.Read(Text(values, Routes) ?? "B") ?? GenroVersions.None;
        foreach (var (variable, path, of) in Known)
        {
            if ((versions & of) != 0 && Text(values, path) is null && environment[variable] is string { Length: > 0 } text)
                values[path] = new(path, text, variable);
        }
    }

    private static string? Text(IDictionary<string, SettingValue> values, string path) =>
        values.TryGetValue(path, out var value) && !string.IsNullOrEmpty(value.Text) ? value.Text : null;
}
