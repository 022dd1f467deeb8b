using System.Buffers;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Ingest;

/// <summary>A raw message that is in a file. It is read block by block: only its header comes into memory.</summary>
internal sealed class SpooledRaw
{
    private const int FirstLook = 64 * 1024;

    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);

    private readonly SpooledStrings _spooled;
    private readonly SpooledString _raw;
    private readonly ArrayBufferWriter<byte> _head = new();
    private readonly WireText _body = new(null);
    private readonly bool _headChanged;
    private readonly int _bodyFrom;

    /// <param name="mostHead">A header of more bytes than this, what must not be sent included, is not read to its end.</param>
    /// <exception cref="IOException">The disk does not read.</exception>
    public SpooledRaw(SpooledStrings spooled, SpooledString raw, string mailKeyHeader, int mostHead)
    {
        (_spooled, _raw) = (spooled, raw);
        if (ReadHead(mostHead) is not { } written)
        {
            Facts = new() { HeadLength = int.MaxValue };
            return;
        }

        ReadOnlySpan<byte> rest = written;
        var facts = RawOctets.WriteHead(ref rest, mailKeyHeader, _head);
        _bodyFrom = written.Length - rest.Length;
        _headChanged = !_head.WrittenSpan.SequenceEqual(written.AsSpan(0, _bodyFrom));
        spooled.Read(raw.Offset + _bodyFrom, raw.Length - _bodyFrom, _body.Next);
        _body.End();
        Facts = facts with
        {
            LongestLine = Math.Max(facts.LongestLine, _body.LongestLine),
            HasNul = _body.HasNul || written.AsSpan(0, _bodyFrom).Contains((byte)0),
        };
    }

    public RawFacts Facts { get; }

    /// <summary>The header in wire form, without the empty line.</summary>
    public ReadOnlySpan<byte> Head => _head.WrittenSpan[..Math.Min(Facts.HeadLength, _head.WrittenCount)];

    /// <summary>It is not in wire form as it came.</summary>
    public bool IsChanged => _headChanged || !_body.IsUnchanged;

    /// <summary>Octets in wire form.</summary>
    public long Length => _head.WrittenCount + _body.Length;

    /// <summary>Puts the message into wire form, at the end of the file, where it is not.</summary>
    /// <exception cref="IOException">The disk is full, or does not write or read.</exception>
    public void Settle()
    {
        var form = _body.IsAscii ? SpooledForm.Raw : SpooledForm.Raw8Bit;
        var file = _spooled.File;
        var offset = IsChanged ? file.Length : _raw.Offset;
        if (IsChanged)
        {
            var into = SpooledTexts.Writer(file);
            into.Write(_head.WrittenSpan);
            var body = new WireText(into);
            _spooled.Read(_raw.Offset + _bodyFrom, _raw.Length - _bodyFrom, body.Next);
            body.End();
            file.Flush();
        }

        _raw.Stored = new(form, offset, Length, _head.WrittenCount);
    }

    // As written, up to and with its empty line, and more behind it; null: it is longer than allowed.
    private byte[]? ReadHead(int most)
    {
        for (var size = FirstLook; ; size *= 4)
        {
            var head = new byte[Math.Min(size, _raw.Length)];
            _spooled.File.Read(_raw.Offset, head);
            if (head.Length == _raw.Length || EndsIn(head))
                return head;
            if (size >= most)
                return null;
        }
    }

    private static bool EndsIn(ReadOnlySpan<byte> head)
    {
        // The last octet may be half of a line end.
        if (head is [(byte)'\r' or (byte)'\n', ..])
            return true;
        head = head[..^1];
        while (true)
        {
            var end = head.IndexOfAny(LineEnds);
            if (end < 0)
                return false;
            var line = head[(end + (head[end..].StartsWith("\r\n"u8) ? 2 : 1))..];
            if (line.IsEmpty)
                return false;
            if (line[0] is (byte)'\r' or (byte)'\n')
                return true;
            head = line;
        }
    }
}
