namespace MailProxy.Tests.Support;

/// <summary>Reads lines of any length off a stream, without their ends, and octets that were counted.</summary>
internal sealed class WireLines(Stream stream)
{
    private byte[] _buffer = new byte[16384];
    private int _start,
        _end;

    /// <summary>The next line, valid until the next call; null: the other side is gone.</summary>
    public async ValueTask<ReadOnlyMemory<byte>?> NextAsync(CancellationToken cancel)
    {
        var seen = 0;
        while (true)
        {
            var length = _buffer.AsSpan(_start + seen, _end - _start - seen).IndexOf((byte)'\n');
            if (length >= 0)
                return Take(seen + length);
            seen = _end - _start;
            if (_end == _buffer.Length)
                MakeRoom(seen);
            var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancel);
            if (read == 0)
                return null;
            _end += read;
        }
    }

    /// <summary>So many octets as they are. False: the other side was gone before.</summary>
    public async ValueTask<bool> CopyAsync(long count, Stream into, CancellationToken cancel)
    {
        while (count > 0)
        {
            if (_start == _end)
            {
                _start = 0;
                _end = await stream.ReadAsync(_buffer, cancel);
            }

            if (_end == 0)
                return false;
            var part = (int)Math.Min(count, _end - _start);
            into.Write(_buffer, _start, part);
            (_start, count) = (_start + part, count - part);
        }

        return true;
    }

    private ReadOnlyMemory<byte> Take(int length)
    {
        var line = _buffer.AsMemory(_start, length);
        _start += length + 1;
        if (_start == _end)
            _start = _end = 0;
        return line.Span is [.., (byte)'\r'] ? line[..^1] : line;
    }

    private void MakeRoom(int held)
    {
        var room = held > _buffer.Length / 2 ? new byte[_buffer.Length * 2] : _buffer;
        _buffer.AsSpan(_start, held).CopyTo(room);
        (_buffer, _start, _end) = (room, 0, held);
    }
}
