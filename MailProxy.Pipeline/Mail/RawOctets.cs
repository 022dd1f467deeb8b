using System.Buffers;
using System.Text;

namespace MailProxy.Pipeline.Mail;

/// <summary>Facts about a raw message, found while it was converted into its wire form.</summary>
internal readonly record struct RawFacts
{
    /// <summary>Octets of the header as written, including the line ends, without the empty line.</summary>
    public int HeadLength { get; init; }

    /// <summary>Number of From headers, including those with blanks before the colon.</summary>
    public int Froms { get; init; }

    public bool HasDate { get; init; }
    public bool HasMessageId { get; init; }

    /// <summary>The message had the header by which our own mail is recognised; it was left out.</summary>
    public bool HadMailKey { get; init; }

    /// <summary>A line of the header ended with a lone CR, after which mail programs read different things.</summary>
    public bool ReturnInHead { get; init; }

    /// <summary>The message contains a NUL.</summary>
    public bool HasNul { get; init; }

    /// <summary>Octets of the longest line, without its end.</summary>
    public int LongestLine { get; init; }
}

/// <summary>
/// The only reader of <c>raw</c>: a line may end with CRLF, LF or CR, and is written with CRLF. Writing the result again gives the same
/// octets, so what Ingest validated and stored is what Send puts on the wire below our own headers.
/// </summary>
internal static class RawOctets
{
    /// <summary>Octets of a line without its end (RFC 5321 4.5.3.1.6).</summary>
    public const int LongestLine = 998;

    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);

    /// <summary>Writes the message with CRLF line ends, one empty line after the header, and without headers that must not be
    /// sent.</summary>
    /// <param name="mailKeyHeader">The name of our own header; empty: none.</param>
    public static RawFacts Write(ReadOnlySpan<byte> raw, string mailKeyHeader, IBufferWriter<byte> into)
    {
        var rest = raw;
        var facts = WriteHead(ref rest, mailKeyHeader, into);
        var longest = WriteBody(rest, into);
        return facts with { LongestLine = Math.Max(facts.LongestLine, longest), HasNul = raw.Contains((byte)0) };
    }

    /// <summary>Writes the header and the empty line; <paramref name="rest"/> is then the body.</summary>
    public static RawFacts WriteHead(ref ReadOnlySpan<byte> rest, string mailKeyHeader, IBufferWriter<byte> into)
    {
        SkipMailboxLines(ref rest);
        var facts = new RawFacts();
        var dropping = false;
        while (TryReadLine(ref rest, out var line, out var byReturn))
        {
            facts = facts with { LongestLine = Math.Max(facts.LongestLine, line.Length), ReturnInHead = facts.ReturnInHead | byReturn };
            if (line.IsEmpty)
                break;
            if (line[0] is not ((byte)' ' or (byte)'\t'))
            {
                var name = NameOf(line);
                var isKey = mailKeyHeader.Length > 0 && Ascii.EqualsIgnoreCase(name, mailKeyHeader);
                dropping = isKey || StaysBehind(name);
                facts = facts with
                {
                    HadMailKey = facts.HadMailKey | isKey,
                    Froms = facts.Froms + (Ascii.EqualsIgnoreCase(name, "From"u8) ? 1 : 0),
                    HasDate = facts.HasDate | Ascii.EqualsIgnoreCase(name, "Date"u8),
                    HasMessageId = facts.HasMessageId | Ascii.EqualsIgnoreCase(name, "Message-ID"u8),
                };
            }

            if (dropping)
                continue;
            into.Write(line);
            into.Write("\r\n"u8);
            facts = facts with { HeadLength = facts.HeadLength + line.Length + 2 };
        }

        into.Write("\r\n"u8);
        return facts;
    }

    /// <summary>Writes the body. Returns the octets of its longest line.</summary>
    public static int WriteBody(ReadOnlySpan<byte> rest, IBufferWriter<byte> into)
    {
        // Lines that already end with CRLF are copied together; others are collected in a block, since there may be millions of them.
        var block = new Block(into);
        int longest = 0,
            done = 0,
            at = 0;
        while (at < rest.Length)
        {
            var length = rest[at] is (byte)'\r' or (byte)'\n' ? 0 : rest[at..].IndexOfAny(LineEnds);
            if (length < 0)
                length = rest.Length - at;
            longest = Math.Max(longest, length);
            at += length;
            if (at + 1 < rest.Length && rest[at] == '\r' && rest[at + 1] == '\n')
            {
                at += 2;
                continue;
            }

            block.Write(rest[done..at]);
            block.Write("\r\n"u8);
            done = at = Math.Min(at + 1, rest.Length);
        }

        block.Write(rest[done..]);
        block.Flush();
        return longest;
    }

    private static bool TryReadLine(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> line, out bool byReturn)
    {
        line = rest;
        byReturn = false;
        if (rest.IsEmpty)
            return false;
        var end = rest.IndexOfAny(LineEnds);
        if (end < 0)
        {
            rest = [];
            return true;
        }

        line = rest[..end];
        var both = rest[end..].StartsWith("\r\n"u8);
        byReturn = !both && rest[end] == '\r';
        rest = rest[(end + (both ? 2 : 1))..];
        return true;
    }

    // The line "From " before a message in a mailbox file belongs to that file, and is no header; "From : x" is one, though badly written.
    private static void SkipMailboxLines(ref ReadOnlySpan<byte> rest)
    {
        while (true)
        {
            var written = rest.TrimStart((byte)'>');
            if (!written.StartsWith("From "u8) || written[5..].TrimStart(" \t"u8).StartsWith(":"u8))
                return;
            TryReadLine(ref rest, out _, out _);
        }
    }

    // Bcc must not be seen by anybody; Return-Path and Authentication-Results are written by the receiver (RFC 5321 4.4, RFC 8601 5).
    private static bool StaysBehind(ReadOnlySpan<byte> name) =>
        Ascii.EqualsIgnoreCase(name, "Bcc"u8)
        || Ascii.EqualsIgnoreCase(name, "Resent-Bcc"u8)
        || Ascii.EqualsIgnoreCase(name, "Return-Path"u8)
        || Ascii.EqualsIgnoreCase(name, "Authentication-Results"u8);

    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> line)
    {
        var colon = line.IndexOf((byte)':');
        return colon < 0 ? [] : line[..colon].TrimEnd(" \t"u8);
    }

    // Short pieces are cheap to write into a span, and expensive through the writer.
    private ref struct Block(IBufferWriter<byte> into)
    {
        private const int Size = 4096;

        private Span<byte> _span = [];
        private int _used;

        public void Write(ReadOnlySpan<byte> piece)
        {
            if (piece.Length > _span.Length - _used)
            {
                Flush();
                if (piece.Length > Size / 2)
                {
                    into.Write(piece);
                    return;
                }

                _span = into.GetSpan(Size);
            }

            piece.CopyTo(_span[_used..]);
            _used += piece.Length;
        }

        public void Flush()
        {
            into.Advance(_used);
            _span = [];
            _used = 0;
        }
    }
}
