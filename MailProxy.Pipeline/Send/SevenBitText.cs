using System.Text;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Send;

/// <summary>Octets that may go out without any encoding (RFC 2045 section 2.7). Pure.</summary>
internal static class SevenBitText
{
    /// <summary>With CRLF line ends; null: it has other than ASCII, NUL, a CR that ends no line, or a line that is too long.</summary>
    public static byte[]? Of(ReadOnlySpan<byte> octets)
    {
        if (!Ascii.IsValid(octets) || octets.Contains((byte)0))
            return null;
        using var text = new MemoryStream(octets.Length + 64);
        while (!octets.IsEmpty)
        {
            var end = octets.IndexOf((byte)'\n');
            var line = end < 0 ? octets : octets[..end];
            if (end > 0 && line[^1] == '\r')
                line = line[..^1];
            if (line.Length > HeaderFields.LongestLine || line.Contains((byte)'\r'))
                return null;
            text.Write(line);
            if (end >= 0)
                text.Write("\r\n"u8);
            octets = end < 0 ? [] : octets[(end + 1)..];
        }

        return text.ToArray();
    }
}
