namespace MailProxy.Daemon.Hosting;

/// <summary>Settings that are right by themselves and wrong together. Pure.</summary>
internal static class SettingsRules
{
    public static IReadOnlyList<string> Mistakes(DaemonSettings settings)
    {
        var (engine, mistakes) = (settings.Engine, new List<string>());
        if (engine.Limits is { Burst: not null, PerSecond: null }) mistakes.Add("Limits:Burst: only together with Limits:PerSecond.");
        var (report, longest) = (engine.Report, $"must not be longer than Report:AccountBackoffLongest ({engine.Report.AccountBackoffLongest}).");
        if (report.AccountBackoffFirst > report.AccountBackoffLongest) mistakes.Add($"Report:AccountBackoffFirst: {longest}");
        if (report.AuthenticationBackoffFirst > report.AccountBackoffLongest) mistakes.Add($"Report:AuthenticationBackoffFirst: {longest}");
        return mistakes;
    }
}
