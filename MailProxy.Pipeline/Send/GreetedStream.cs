namespace MailProxy.Pipeline.Send;

/// <summary>
/// A protected connection dressed for MailKit, which expects a greeting first. After STARTTLS the server sends none (RFC 3207),
/// so the one that it sent before TLS is shown again. Everything else passes through.
/// </summary>
internal sealed class GreetedStream(Stream inner) : Stream
{
    private ReadOnlyMemory<byte> _greeting = "220 STARTTLS\r\n"u8.ToArray();

    public Stream Inner => inner;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => _greeting.IsEmpty ? inner.Read(buffer, offset, count) : Greet(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _greeting.IsEmpty ? inner.ReadAsync(buffer, cancellationToken) : ValueTask.FromResult(Greet(buffer.Span));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => inner.WriteAsync(buffer, offset, count, cancellationToken);

    public override void Flush() => inner.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private int Greet(Span<byte> buffer)
    {
        var count = Math.Min(buffer.Length, _greeting.Length);
        _greeting.Span[..count].CopyTo(buffer);
        _greeting = _greeting[count..];
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }
}
