using System.Text;

namespace MailProxy.Pipeline.Ingest;

/// <summary>
/// Reads the header of a raw message field by field, from the octets that go on the wire. It accepts only what all programs read in the
/// same
/// way: a name directly before its colon, continuation lines with text, UTF-8, and no repetition of fields that RFC 5322 3.6 and RFC 2045
/// allow once. Only To and Cc of old mail may be repeated: RFC 5322 4.5.3 says how they are read, and nothing is decided by them.
/// </summary>
internal sealed class RawFields
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly string[] Once =
    [
        "From",
        "Sender",
        "Reply-To",
        "Subject",
        "Date",
        "Message-ID",
        "In-Reply-To",
        "References",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
    ];

    private readonly string?[] _values = new string?[Once.Length];

    /// <summary>The unfolded value without surrounding blanks; null when the field is missing. Only for fields that are allowed
    /// once.</summary>
    public string? this[string name] => _values[Array.IndexOf(Once, name)];

    /// <summary>Returns null when every field was read, otherwise the reason.</summary>
    /// <param name="head">Lines that end with CRLF, without the empty line.</param>
    public string? Read(ReadOnlySpan<byte> head)
    {
        if (!System.Text.Unicode.Utf8.IsValid(head))
            return "The header has octets that are not UTF-8: encode them (RFC 2047).";
        while (!head.IsEmpty)
        {
            var line = head[..head.IndexOf("\r\n"u8)];
            var colon = line.IndexOf((byte)':');
            if (line.TrimEnd(" \t"u8).IsEmpty)
                return "The header has a line of blanks only.";
            if (line[0] is (byte)' ' or (byte)'\t')
                return "The header begins with a continuation line.";
            if (colon < 0)
                return $"A line of the header has no colon: {Shown(line)}";
            if (colon == 0 || line[..colon].ContainsAnyExceptInRange((byte)'!', (byte)'~'))
            {
                return $"A header's name is visible ASCII characters up to its colon, without blanks: {Shown(line)}";
            }

            var name = line[..colon];
            var length = LengthOf(head);
            if (length < 0)
                return $"The header {Shown(name)} has a continuation line of blanks only.";
            if (Take(name, head[(colon + 1)..length]) is { } fault)
                return fault;
            head = head[length..];
        }

        return null;
    }

    private string? Take(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        for (var i = 0; i < Once.Length; i++)
        {
            if (!Ascii.EqualsIgnoreCase(name, Once[i]))
                continue;
            if (_values[i] is not null)
                return $"The header {Once[i]} appears twice; RFC 5322 allows it once.";
            _values[i] = Strict.GetString(value).Replace("\r\n", "", StringComparison.Ordinal).Trim(' ', '\t');
            break;
        }

        return null;
    }

    // Length of a field with its continuation lines; negative when one of them is blank.
    private static int LengthOf(ReadOnlySpan<byte> head)
    {
        var length = 0;
        do
        {
            var line = head[length..][..head[length..].IndexOf("\r\n"u8)];
            if (line.Trim(" \t"u8).IsEmpty)
                return -1;
            length += line.Length + 2;
        } while (length < head.Length && head[length] is (byte)' ' or (byte)'\t');

        return length;
    }

    private static string Shown(ReadOnlySpan<byte> line)
    {
        var shown = new StringBuilder(48);
        foreach (var c in Encoding.UTF8.GetString(line[..Math.Min(line.Length, 40)]))
        {
            shown.Append(char.IsControl(c) || c == '\ufffd' ? '?' : c);
        }

        return $"\"{shown}\"";
    }
}
