namespace MailProxy.Tests.Support;

/// <summary>Reads lines of any length off a stream, without their ends.</summary>
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

    /// <summary>So many octets, whatever is in them; null: the other side is gone.</summary>
    public async ValueTask<byte[]?> TakeAsync(int count, CancellationToken cancel)
    {
        var octets = new byte[count];
        var held = Math.Min(count, _end - _start);
        _buffer.AsSpan(_start, held).CopyTo(octets);
        _start += held;
        if (_start == _end)
            _start = _end = 0;
        return await stream.ReadAtLeastAsync(octets.AsMemory(held), count - held, throwOnEndOfStream: false, cancel) == count - held
            ? octets
            : null;
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
