using Serilog.Events;
using Serilog.Formatting;

namespace MailProxy.Daemon.Hosting;

/// <summary>Events of one line each, such as JSON, with the priority that systemd's journal takes from the beginning of a line.</summary>
internal sealed class SyslogPrefixed(ITextFormatter inner) : ITextFormatter
{
    public void Format(LogEvent logEvent, TextWriter output)
    {
        output.Write(LogLine.Prefix(logEvent.Level));
        inner.Format(logEvent, output);
    }
}
