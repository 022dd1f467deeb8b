namespace MailProxy.Daemon.Hosting;

/// <summary>Finds settings that are valid on their own but not together. Pure.</summary>
internal static class SettingsRules
{
    public static IReadOnlyList<string> Mistakes(DaemonSettings settings)
    {
        var mistakes = new List<string>();
        if (settings.Engine.Limits is { Burst: not null, PerSecond: null })
            mistakes.Add("Limits:Burst: only together with " + "Limits:PerSecond.");
        return mistakes;
    }
}
