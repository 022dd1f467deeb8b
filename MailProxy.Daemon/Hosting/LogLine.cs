using System.Globalization;
using System.Text;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// Formats a log event for people: <c>2026-11-28T14:41:33.123Z INF Where: what happened</c>, in UTC. Text from others (a server's reply,
/// an
/// id) cannot begin a line of its own.
/// </summary>
/// <param name="syslog">Every line begins with the priority that systemd's journal reads from it (sd-daemon(3)).</param>
internal sealed class LogLine(bool syslog) : ITextFormatter
{
    private const string Indent = "    ";

    public void Format(LogEvent logEvent, TextWriter output)
    {
        var prefix = syslog ? Prefix(logEvent.Level) : "";
        var source =
            logEvent.Properties.TryGetValue(Constants.SourceContextPropertyName, out var context)
            && context is ScalarValue { Value: string name }
                ? name + ": "
                : "";
        var time = logEvent.Timestamp.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        output.Write($"{prefix}{time} {Short(logEvent.Level)} {source}{InOneLine(Message(logEvent))}\n");
        if (logEvent.Exception is null)
            return;
        foreach (var line in logEvent.Exception.ToString().Split('\n'))
            output.Write($"{prefix}{Indent}{InOneLine(line.TrimEnd('\r'))}\n");
    }

    /// <summary>The syslog severity of a level, in angle brackets.</summary>
    public static string Prefix(LogEventLevel level) =>
        level switch
        {
            LogEventLevel.Fatal => "<2>",
            LogEventLevel.Error => "<3>",
            LogEventLevel.Warning => "<4>",
            LogEventLevel.Information => "<6>",
            _ => "<7>",
        };

    private static string Short(LogEventLevel level) =>
        level switch
        {
            LogEventLevel.Fatal => "FTL",
            LogEventLevel.Error => "ERR",
            LogEventLevel.Warning => "WRN",
            LogEventLevel.Information => "INF",
            LogEventLevel.Debug => "DBG",
            _ => "VRB",
        };

    // Texts are written without quotation marks.
    private static string Message(LogEvent logEvent)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        foreach (var token in logEvent.MessageTemplate.Tokens)
        {
            var value = token is Serilog.Parsing.PropertyToken property
                ? logEvent.Properties.GetValueOrDefault(property.PropertyName)
                : null;
            if (value is ScalarValue { Value: string plain })
                text.Write(plain);
            else
                token.Render(logEvent.Properties, text, CultureInfo.InvariantCulture);
        }

        return text.ToString();
    }

    private static string InOneLine(string text)
    {
        if (!text.Any(char.IsControl))
            return text;
        var line = new StringBuilder(text.Length + 16);
        foreach (var c in text)
        {
            if (!char.IsControl(c))
                line.Append(c);
            else if (c == '\n')
                line.Append("\\n");
            else if (c == '\r')
                line.Append("\\r");
            else if (c == '\t')
                line.Append(' ');
            else
                line.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        }

        return line.ToString();
    }
}
