using System.Security.Cryptography;
using System.Text;

namespace MailProxy.Pipeline.Send;

/// <summary>The relaxed canonicalisation of RFC 6376 3.4, of the octets as they go out.</summary>
internal static class DkimRelaxed
{
    private const int Block = 16 * 1024;

    /// <summary>A header field without the CRLF behind it: its name in lower case, unfolded, one space for each run of blanks.</summary>
    public static void Header(ReadOnlySpan<byte> field, PooledBytes into)
    {
        var colon = field.IndexOf((byte)':');
        foreach (var octet in field[..colon].TrimEnd(" \t"u8))
            into.WriteByte((byte)char.ToLowerInvariant((char)octet));
        into.WriteByte((byte)':');
        var (blank, any) = (false, false);
        foreach (var octet in field[(colon + 1)..])
        {
            if (octet is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
            {
                blank = true;
                continue;
            }

            if (blank && any)
                into.WriteByte((byte)' ');
            (blank, any) = (false, true);
            into.WriteByte(octet);
        }
    }

    /// <summary>SHA-256: no blanks at the ends of lines, one space for each other run of them, no empty lines at the end.</summary>
    /// <param name="body">CRLF line ends.</param>
    public static byte[] BodyHash(Stream body)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = new byte[Block];
        using var relaxed = new PooledBytes(Block * 2);
        var state = new Lines();
        while (body.Read(block) is > 0 and var read)
        {
            state.Next(block.AsSpan(0, read), relaxed);
            sha.AppendData(relaxed.Written);
            relaxed.Advance(-(int)relaxed.Length);
        }

        if (state.Any)
            sha.AppendData("\r\n"u8);
        return sha.GetHashAndReset();
    }

    /// <summary>The fields of a header, in order, each without its last CRLF.</summary>
    public static List<Range> Fields(ReadOnlySpan<byte> header)
    {
        var fields = new List<Range>();
        for (var at = 0; at < header.Length; )
        {
            var length = header[at..].IndexOf("\r\n"u8);
            var end = length < 0 ? header.Length : at + length;
            if (fields.Count > 0 && header[at] is (byte)' ' or (byte)'\t')
                fields[^1] = fields[^1].Start..end;
            else
                fields.Add(at..end);
            at = end + 2;
        }

        return fields;
    }

    public static bool Is(ReadOnlySpan<byte> field, ReadOnlySpan<char> name)
    {
        var colon = field.IndexOf((byte)':');
        return colon >= 0 && Ascii.EqualsIgnoreCase(field[..colon].TrimEnd(" \t"u8), name);
    }

    // What a block leaves behind: line ends that are written only when something follows them, and a blank likewise.
    private struct Lines
    {
        private int _ends;
        private bool _blank;

        public bool Any { get; private set; }

        public void Next(ReadOnlySpan<byte> octets, PooledBytes into)
        {
            while (!octets.IsEmpty)
            {
                var text = octets.IndexOfAny(" \t\r\n"u8);
                if (text < 0)
                    text = octets.Length;
                if (text > 0)
                    Text(octets[..text], into);
                octets = octets[text..];
                if (octets.IsEmpty)
                    return;
                switch (octets[0])
                {
                    case (byte)'\n':
                        _ends++;
                        _blank = false;
                        break;
                    case (byte)' ' or (byte)'\t':
                        _blank = true;
                        break;
                }

                octets = octets[1..];
            }
        }

        private void Text(ReadOnlySpan<byte> text, PooledBytes into)
        {
            for (; _ends > 0; _ends--)
                into.Write("\r\n"u8);
            if (_blank)
                into.WriteByte((byte)' ');
            (_blank, Any) = (false, true);
            into.Write(text);
        }
    }
}
