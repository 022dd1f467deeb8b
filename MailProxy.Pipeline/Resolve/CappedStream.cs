using System.Security.Cryptography;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Reads a source's content and enforces its limits: never more than the cap, never another length than was declared. Every error of the
/// source becomes a <see cref="SourceException"/>.
/// </summary>
/// <param name="source">Names the source in messages.</param>
/// <param name="length">As the source declared it; null when unknown.</param>
internal sealed class CappedStream(Stream inner, object source, long? length, long cap) : Stream
{
    private long _read;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position
    {
        get => _read;
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return Count(await inner.ReadAsync(buffer, cancellationToken), buffer.Length);
        }
        catch (Exception error) when (IsOfSource(error))
        {
            throw Broken(error);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(Span<byte> buffer)
    {
        try
        {
            return Count(inner.Read(buffer), buffer.Length);
        }
        catch (Exception error) when (IsOfSource(error))
        {
            throw Broken(error);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask DisposeAsync() => inner.DisposeAsync();

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }

    private int Count(int read, int asked)
    {
        _read += read;
        if (_read > cap)
            throw SourceException.TooLarge(source, cap);
        if (length is { } declared && (_read > declared || (read == 0 && asked > 0 && _read < declared)))
        {
            throw new SourceException(
                SourceFault.Down,
                $"{source}: {(_read > declared ? "more" : "less")} came than the {declared} bytes that were announced."
            );
        }

        return read;
    }

    // The stream of Amazon's SDK verifies what it reads, and throws exceptions of its own.
    private static bool IsOfSource(Exception trouble) =>
        trouble
            is IOException
                or HttpRequestException
                or ObjectDisposedException
                or CryptographicException
                or Amazon.Runtime.AmazonClientException;

    private SourceException Broken(Exception trouble) =>
        new(SourceFault.Down, $"{source}: the transfer broke off after {_read} bytes.", trouble);
}
