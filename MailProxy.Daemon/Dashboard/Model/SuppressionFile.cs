using System.Text;

namespace MailProxy.Daemon.Dashboard.Model;

/// <summary>What a file of suppressions is written in. Pure.</summary>
internal static class SuppressionFile
{
    /// <summary>The media type of its lines: JSON when the first that is not empty begins with a brace, else CSV.</summary>
    public static string TypeOf(ReadOnlySpan<byte> beginning)
    {
        var text = beginning.StartsWith(Encoding.UTF8.Preamble) ? beginning[Encoding.UTF8.Preamble.Length..] : beginning;
        return text.TrimStart(" \t\r\n"u8) is [(byte)'{', ..] ? "application/x-ndjson" : "text/csv";
    }
}
