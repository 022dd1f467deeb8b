using MailProxy.Daemon.Genro;
using MailProxy.Pipeline.Network;

namespace MailProxy.Daemon.Hosting;

/// <summary>Finds settings that are valid on their own but not together. Pure.</summary>
internal static class SettingsRules
{
    public static IReadOnlyList<string> Mistakes(DaemonSettings settings)
    {
        var mistakes = new List<string>();
        if (settings.Engine.Limits is { Burst: not null, PerSecond: null })
            mistakes.Add("Limits:Burst: only together with " + "Limits:PerSecond.");
        if (settings.Genro is { Enabled: true, SyncUrl.Length: > 0 } genro)
            mistakes.AddRange(Mistakes(genro));
        return mistakes;
    }

    private static IEnumerable<string> Mistakes(GenroOptions genro)
    {
        if (!genro.Versions.HasFlag(GenroVersions.A))
            yield return "Genro:SyncUrl: only with version A in Genro:Routes; in the others a tenant's client_base_url says where.";
        else if (string.IsNullOrEmpty(genro.DefaultTenant))
            yield return "Genro:SyncUrl: only together with Genro:DefaultTenant, whose reports go there.";
        if (HttpAddress.Read(genro.SyncUrl!).Fault is { } fault)
            yield return $"Genro:SyncUrl: {fault}";
    }
}
