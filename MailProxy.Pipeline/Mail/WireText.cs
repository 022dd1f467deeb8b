using System.Buffers;
using System.Text;

namespace MailProxy.Pipeline.Mail;

/// <summary>
/// Brings text into the form of the wire, cut anywhere: every line ends with CRLF, also the last one. A line may have ended
/// with CRLF, LF or
/// CR. On the way it learns what decides whether the text may go out as it is.
/// </summary>
/// <param name="into">Where it is written; null: it is only looked at.</param>
internal sealed class WireText(IBufferWriter<byte>? into)
{
    private const int Before = 4; // as long as what is looked for, and one octet less is kept

    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);

    private readonly byte[] _last = new byte[Before];
    private int _line; // octets of the line so far
    private bool _return; // a CR, and it is not known yet what follows
    private int _lasting;

    /// <summary>Octets in the form of the wire.</summary>
    public long Length { get; private set; }

    /// <summary>Octets of the longest line, without its end.</summary>
    public int LongestLine { get; private set; }

    public bool IsAscii { get; private set; } = true;

    public bool HasNul { get; private set; }

    /// <summary>A CR ended a line by itself.</summary>
    public bool HasReturn { get; private set; }

    /// <summary>It was in the form of the wire already.</summary>
    public bool IsUnchanged { get; private set; } = true;

    /// <summary>A line begins with "From ", which mailboxes quote.</summary>
    public bool HasFromLine { get; private set; }

    /// <summary>It has what our boundaries begin with.</summary>
    public bool HasBoundary { get; private set; }

    /// <summary>It may go out without any encoding (RFC 2045 section 2.7).</summary>
    public bool IsSevenBit => IsAscii && !HasNul && LongestLine <= HeaderFields.LongestLine;

    public void Next(ReadOnlySpan<byte> text)
    {
        IsAscii &= Ascii.IsValid(text);
        HasNul |= text.Contains((byte)0);
        while (!text.IsEmpty)
        {
            if (_return)
            {
                var feeds = text[0] == '\n';
                EndLine("\r"u8, lone: !feeds);
                if (feeds)
                    text = text[1..];
                continue;
            }

            var end = text.IndexOfAny(LineEnds);
            var line = end < 0 ? text : text[..end];
            Line(line);
            if (end < 0)
                return;
            if (text[end] == '\r')
                _return = true;
            else
                EndLine("\n"u8, lone: true);
            text = text[(end + 1)..];
        }
    }

    public void End()
    {
        if (_return)
            EndLine("\r"u8, lone: true);
        if (_line == 0)
            return;
        IsUnchanged = false;
        EndLine([], lone: false);
    }

    private void Line(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty)
            return;

        // The line's first octets, and the last ones that were seen, may have come with an earlier piece.
        Span<byte> seam = stackalloc byte[2 * Before];
        _last.AsSpan(0, _lasting).CopyTo(seam);
        var joined = line[..Math.Min(Before, line.Length)];
        joined.CopyTo(seam[_lasting..]);
        seam = seam[..(_lasting + joined.Length)];
        HasBoundary |= line.IndexOf("--=_"u8) >= 0 || seam.IndexOf("--=_"u8) >= 0;
        if (_line < 5)
            HasFromLine |= _line == 0 ? line.StartsWith("From "u8) : IsFrom(line);
        Remember(seam, line);
        into?.Write(line);
        _line += line.Length;
        Length += line.Length;
        LongestLine = Math.Max(LongestLine, _line);
    }

    // Fewer than five octets of the line are known, and these are all in what is remembered.
    private bool IsFrom(ReadOnlySpan<byte> line)
    {
        Span<byte> begins = stackalloc byte[_line + Math.Min(5, line.Length)];
        _last.AsSpan(_lasting - _line, _line).CopyTo(begins);
        line[..(begins.Length - _line)].CopyTo(begins[_line..]);
        return begins.StartsWith("From "u8);
    }

    private void Remember(ReadOnlySpan<byte> seam, ReadOnlySpan<byte> line)
    {
        var last = line.Length > Before ? line[^Before..] : seam[^Math.Min(Before, seam.Length)..];
        last.CopyTo(_last);
        _lasting = last.Length;
    }

    private void EndLine(ReadOnlySpan<byte> by, bool lone)
    {
        HasReturn |= lone && by is [(byte)'\r'];
        IsUnchanged &= !lone;
        into?.Write("\r\n"u8);
        Length += 2;
        (_line, _return, _lasting) = (0, false, 0);
    }
}
