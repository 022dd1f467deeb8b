using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// Reads a rendered mail from end to end, its files encoded on the way. Seekable, for DKIM reads header and body on their own.
/// </summary>
internal sealed class RenderedStream : Stream
{
    // Some 24 KB of lines at a time.
    private const int Lines = 320;

    private readonly RenderedMail _mail;
    private readonly SafeFileHandle?[] _open;
    private readonly byte[] _content = ArrayPool<byte>.Shared.Rent(Lines * Base64Lines.Content);
    private readonly byte[] _encoded = ArrayPool<byte>.Shared.Rent(Lines * Base64Lines.Line);
    private (int File, long From, int Length) _window = (-1, 0, 0); // what _encoded holds
    private bool _disposed;

    public RenderedStream(RenderedMail mail)
    {
        _mail = mail;
        _open = new SafeFileHandle?[mail.Files.Count];
    }

    public override bool CanRead => true;
    public override bool CanSeek => true;
    public override bool CanWrite => false;
    public override long Length => _mail.Length;
    public override long Position { get; set; }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <exception cref="IOException">A file is not what it was when the mail was rendered.</exception>
    public override int Read(Span<byte> into)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var before = 0L; // octets of the files passed by
        for (var i = 0; i < _mail.Files.Count; i++)
        {
            var file = _mail.Files[i];
            if (Position < file.At + before)
                return FromMemory(into, before, file.At);
            if (Position < file.At + before + file.Length)
                return FromFile(into, i, Position - file.At - before);
            before += file.Length;
        }

        return FromMemory(into, before, _mail.BufferLength);
    }

    public override long Seek(long offset, SeekOrigin origin) =>
        Position = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => Position + offset,
            _ => Length + offset,
        };

    public override void Flush() { }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (_disposed)
            return;
        _disposed = true;
        foreach (var file in _open)
            file?.Dispose();
        ArrayPool<byte>.Shared.Return(_content);
        ArrayPool<byte>.Shared.Return(_encoded);
        base.Dispose(disposing);
    }

    private int FromMemory(Span<byte> into, long before, int end)
    {
        var at = (int)(Position - before);
        var count = Math.Min(into.Length, end - at);
        if (count <= 0)
            return 0;
        _mail.Buffer.AsSpan(at, count).CopyTo(into);
        Position += count;
        return count;
    }

    private int FromFile(Span<byte> into, int index, long at)
    {
        if (_mail.Files[index] is { Plain: true } plain)
        {
            var some = RandomAccess.Read(Open(index), into[..(int)Math.Min(into.Length, plain.Size - at)], plain.Offset + at);
            Position += some > 0 || into.IsEmpty ? some : throw Shorter();
            return some;
        }

        if (_window.File != index || at < _window.From || at >= _window.From + _window.Length)
            Load(index, at / Base64Lines.Line);
        var from = (int)(at - _window.From);
        var count = Math.Min(into.Length, _window.Length - from);
        _encoded.AsSpan(from, count).CopyTo(into);
        Position += count;
        return count;
    }

    private SafeFileHandle Open(int index) =>
        _open[index] ??= File.OpenHandle(_mail.Files[index].Path, options: FileOptions.SequentialScan);

    private static EndOfStreamException Shorter() => new("A file of the mail is shorter than it was.");

    private void Load(int index, long line)
    {
        var file = _mail.Files[index];
        var handle = Open(index);
        var offset = line * Base64Lines.Content;
        var wanted = (int)Math.Min(Lines * Base64Lines.Content, file.Size - offset);
        var content = _content.AsSpan(0, wanted);
        for (var read = 0; read < wanted; )
        {
            var some = RandomAccess.Read(handle, content[read..], file.Offset + offset + read);
            if (some == 0)
                throw Shorter();
            read += some;
        }

        _window = (index, line * Base64Lines.Line, Base64Lines.Encode(content, _encoded));
    }
}
