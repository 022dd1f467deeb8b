using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Formatting.Compact;

namespace MailProxy.Daemon.Hosting;

/// <summary>Creates the logger that the settings ask for.</summary>
internal static class LogSetup
{
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(2);

    /// <summary>The logger owns the sink and disposes it.</summary>
    public static (Logger Logger, BackgroundSink Sink, LogLevels Levels) Open(LogSettings settings, TimeProvider clock)
    {
        var sink = new BackgroundSink(Console.OpenStandardOutput(), Formatter(settings.Format, Journal.Here()), clock, FlushTimeout);
        var levels = new LogLevels(settings.Level);
        var logger = new LoggerConfiguration()
            .MinimumLevel.ControlledBy(levels.Own)
            .MinimumLevel.Override("Microsoft", levels.Framework)
            .MinimumLevel.Override("Microsoft.Hosting.Lifetime", levels.Lifetime)
            // Off, because Serve itself writes one line about why a start failed.
            .MinimumLevel.Override("Microsoft.Extensions.Hosting.Internal.Host", LevelAlias.Off)
            .WriteTo.Sink(sink)
            .CreateLogger();
        return (logger, sink, levels);
    }

    private static ITextFormatter Formatter(string format, Journal journal) =>
        (format, journal) switch
        {
            ("json", { Proven: true }) => new SyslogPrefixed(new CompactJsonFormatter()),
            ("json", _) => new CompactJsonFormatter(),
            _ => new LogLine(journal.Likely),
        };
}
