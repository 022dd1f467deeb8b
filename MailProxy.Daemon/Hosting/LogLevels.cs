using Serilog.Core;
using Serilog.Events;

namespace MailProxy.Daemon.Hosting;

/// <summary>The least levels that are written (<see cref="LogSettings.Level"/>); a reload changes them while the daemon runs.</summary>
internal sealed class LogLevels
{
    public LogLevels(string level) => Set(level);

    public LoggingLevelSwitch Own { get; } = new();

    public LoggingLevelSwitch Framework { get; } = new();

    public LoggingLevelSwitch Lifetime { get; } = new();

    public void Set(string level)
    {
        var least = Enum.Parse<LogEventLevel>(level);
        Own.MinimumLevel = least;
        Framework.MinimumLevel = Later(least, LogEventLevel.Warning);
        Lifetime.MinimumLevel = Later(least, LogEventLevel.Information);
    }

    private static LogEventLevel Later(LogEventLevel one, LogEventLevel other) => one > other ? one : other;
}
