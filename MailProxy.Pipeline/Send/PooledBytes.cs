using System.Buffers;

namespace MailProxy.Pipeline.Send;

/// <summary>A stream to write to once, in one growing array of the shared pool.</summary>
internal sealed class PooledBytes(int expected) : Stream, IBufferWriter<byte>
{
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(expected, 1024));
    private int _length;

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => _length;

    public override long Position
    {
        get => _length;
        set => throw new NotSupportedException();
    }

    /// <summary>Files that belong between what is written.</summary>
    public List<FileInsert> Files { get; init; } = [];

    /// <summary>A line has ended; every file ends with one.</summary>
    public bool EndsLine => Written.EndsWith("\r\n"u8) || (Files.Count > 0 && Files[^1].At == _length);

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Space(bytes.Length));
        _length += bytes.Length;
    }

    public override void WriteByte(byte value)
    {
        Space(1)[0] = value;
        _length++;
    }

    /// <summary>So many bytes were written into the space; a negative number takes the last ones back.</summary>
    public void Advance(int count) => _length += count;

    /// <summary>Gives the array away; the stream is spent.</summary>
    public (byte[] Buffer, int Length) Detach()
    {
        var buffer = _buffer;
        _buffer = [];
        return (buffer, _length);
    }

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint) => Space(Math.Max(sizeHint, 1));

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint)
    {
        Space(Math.Max(sizeHint, 1));
        return _buffer.AsMemory(_length);
    }

    public override void Flush() { }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        var (buffer, _) = Detach();
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
        base.Dispose(disposing);
    }

    /// <summary>The content of the file, or of the part of it, stands here, as base64 lines or as it is.</summary>
    public void Insert(string path, long offset, long size, bool plain) => Files.Add(new(_length, path, offset, size, plain));

    /// <summary>At least so many bytes to write into; then <see cref="Advance"/>.</summary>
    public Span<byte> Space(int count)
    {
        if (_buffer.Length - _length < count)
        {
            var larger = ArrayPool<byte>.Shared.Rent(checked(Math.Max(_buffer.Length * 2, _length + count)));
            Written.CopyTo(larger);
            if (_buffer.Length > 0)
                ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        return _buffer.AsSpan(_length);
    }
}
