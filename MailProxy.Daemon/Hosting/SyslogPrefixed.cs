using Serilog.Events;
using Serilog.Formatting;

namespace MailProxy.Daemon.Hosting;

/// <summary>Formats events of one line each, such as JSON, with the priority that systemd's journal reads at the beginning of a
/// line.</summary>
internal sealed class SyslogPrefixed(ITextFormatter inner) : ITextFormatter
{
    public void Format(LogEvent logEvent, TextWriter output)
    {
        output.Write(LogLine.Prefix(logEvent.Level));
        inner.Format(logEvent, output);
    }
}
