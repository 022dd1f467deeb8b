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
        mistakes.AddRange(Mistakes(settings.Storage.Nodes));
        if (settings.Genro is { Enabled: true, SyncUrl.Length: > 0 } genro)
            mistakes.AddRange(Mistakes(genro));
        return mistakes;
    }

    // One beat that gets lost proves nothing.
    private static IEnumerable<string> Mistakes(NodeSettings nodes)
    {
        if (nodes.TimeToLive < nodes.Beat * 3)
            yield return "Storage:Nodes:TimeToLive: must be at least three times Storage:Nodes:Beat.";
        if (nodes.Margin > nodes.TimeToLive / 2)
            yield return "Storage:Nodes:Margin: must be at most half of Storage:Nodes:TimeToLive.";
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
