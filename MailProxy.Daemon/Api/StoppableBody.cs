using System.IO.Pipelines;

namespace MailProxy.Daemon.Api;

/// <summary>A request's body, whose reading ends when the daemon stops: nobody who sends slowly, or no more, holds up the end, and he
/// gets an answer.</summary>
/// <param name="reader">The server's own reader below <paramref name="body"/>: told to let go, it stays in order, which a token does not
/// do.</param>
internal sealed class StoppableBody(Stream body, PipeReader reader, CancellationToken stopping) : Stream
{
    /// <summary>Reading was given up before the body had come whole.</summary>
    public bool Cut { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="StoppingException">The daemon stops.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (stopping.IsCancellationRequested)
            throw Stop();
        await using var letGo = stopping.UnsafeRegister(static reader => ((PipeReader)reader!).CancelPendingRead(), reader);
        try
        {
            return await body.ReadAsync(buffer, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Cut = true;
            if (!stopping.IsCancellationRequested || cancellationToken.IsCancellationRequested)
                throw;
            throw Stop();
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => body.Read(buffer, offset, count);

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private StoppingException Stop()
    {
        Cut = true;
        return new();
    }
}

/// <summary>The daemon stops, and a request's body had not come whole. It is answered with 503.</summary>
internal sealed class StoppingException : Exception;
