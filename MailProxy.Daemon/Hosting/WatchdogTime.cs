using System.Globalization;

namespace MailProxy.Daemon.Hosting;

/// <summary>How often the service manager expects a sign of life (sd_watchdog_enabled(3)).</summary>
/// <param name="Every">A third of the manager's timeout; null when it does not watch.</param>
internal readonly record struct WatchdogTime(TimeSpan? Every)
{
    /// <param name="microseconds"><c>$WATCHDOG_USEC</c>, the manager's timeout.</param>
    /// <param name="process"><c>$WATCHDOG_PID</c>, the process that is meant; absent: any process that reads it.</param>
    public static WatchdogTime Of(string? microseconds, string? process, int self)
    {
        if (!string.IsNullOrEmpty(process) && process != self.ToString(CultureInfo.InvariantCulture))
            return default;
        return long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var deadline) && deadline > 0
            ? new(TimeSpan.FromMicroseconds(Math.Max(deadline / 3, 1000)))
            : default;
    }

    public static WatchdogTime Here() =>
        Of(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), Environment.GetEnvironmentVariable("WATCHDOG_PID"), Environment.ProcessId);
}
