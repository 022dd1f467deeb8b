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
    public static (Logger Logger, BackgroundSink Sink) Open(LogSettings settings, TimeProvider clock)
    {
        var sink = new BackgroundSink(Console.OpenStandardOutput(), Formatter(settings.Format, Journal.Here()), clock, FlushTimeout);
        var level = Enum.Parse<LogEventLevel>(settings.Level);
        LogEventLevel AtLeast(LogEventLevel other) => level > other ? level : other;
        var logger = new LoggerConfiguration()
            .MinimumLevel.Is(level)
            .MinimumLevel.Override("Microsoft", AtLeast(LogEventLevel.Warning))
            .MinimumLevel.Override("Microsoft.Hosting.Lifetime", AtLeast(LogEventLevel.Information))
            // Off, because Serve itself writes one line about why a start failed.
            .MinimumLevel.Override("Microsoft.Extensions.Hosting.Internal.Host", LevelAlias.Off)
            .WriteTo.Sink(sink)
            .CreateLogger();
        return (logger, sink);
    }

    private static ITextFormatter Formatter(string format, Journal journal) =>
        (format, journal) switch
        {
            ("json", { Proven: true }) => new SyslogPrefixed(new CompactJsonFormatter()),
            ("json", _) => new CompactJsonFormatter(),
            _ => new LogLine(journal.Likely),
        };
}
