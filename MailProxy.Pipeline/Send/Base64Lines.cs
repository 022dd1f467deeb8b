using System.Buffers.Text;

namespace MailProxy.Pipeline.Send;

/// <summary>Base64 in lines of 76 characters (RFC 2045 section 6.8), each with its line end, also the last.</summary>
internal static class Base64Lines
{
    /// <summary>Content octets of a full line.</summary>
    public const int Content = 57;

    /// <summary>Octets of a full line with its line end.</summary>
    public const int Line = 78;

    /// <summary>Octets of so much content once encoded.</summary>
    public static long LengthOf(long content)
    {
        var rest = content % Content;
        return (content / Content * Line) + (rest == 0 ? 0 : (4 * ((rest + 2) / 3)) + 2);
    }

    /// <summary>Encodes whole lines, of which only the very last of a file may be short; how many octets were written.</summary>
    public static int Encode(ReadOnlySpan<byte> content, Span<byte> into)
    {
        var written = 0;
        while (!content.IsEmpty)
        {
            var line = content[..Math.Min(Content, content.Length)];
            Base64.EncodeToUtf8(line, into[written..], out _, out var octets);
            written += octets;
            into[written++] = (byte)'\r';
            into[written++] = (byte)'\n';
            content = content[line.Length..];
        }

        return written;
    }
}
