using System.Buffers;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Copies one content from its source to the disk; it is hashed and counted on the way, with one block in memory.</summary>
internal sealed class Fetch(IAttachmentSource source, AttachmentCache cache, ResolveOptions options, TimeProvider clock)
{
    /// <summary>
    /// Throws <see cref="SourceException"/>, <see cref="FetchDiskException"/> for an error of our own disk, and <see
    /// cref="OperationCanceledException"/> for <paramref name="stop"/>. A partial file that did not become content is deleted.
    /// </summary>
    /// <param name="sized">Called with the length as soon as it is known; may throw to refuse it.</param>
    public async Task<(LocalContent Content, ContentDigest Digest)> RunAsync(
        string tenant,
        AttachmentRef wanted,
        Action<long> sized,
        CancellationToken stop
    )
    {
        var part = cache.NewPart();
        try
        {
            for (var again = false; ; again = true)
            {
                var run = new Run(wanted, part, sized);
                try
                {
                    var (digest, size) = await ReadAsync(tenant, run, stop);
                    try
                    {
                        return (cache.Keep(tenant, part, digest, size), digest);
                    }
                    catch (Exception error) when (error is IOException or UnauthorizedAccessException)
                    {
                        throw new FetchDiskException(error);
                    }
                }
                catch (SourceException error) when (error.Fault == SourceFault.Down && error.RetryAfter is null && !run.Begun && !again)
                {
                    // The connection was dead already, or the server had just gone away: retry once, immediately.
                }
            }
        }
        finally
        {
            CacheFolder.Delete(part);
        }
    }

    private async Task<(ContentDigest Digest, long Size)> ReadAsync(string tenant, Run run, CancellationToken stop)
    {
        using var timeout = new CancellationTokenSource(options.FirstByteTimeout, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, timeout.Token);
        try
        {
            await using var opened = await source.OpenAsync(tenant, run.Wanted, both.Token);
            if (opened.Length is { } declared)
                Declare(run, declared);
            return await CopyAsync(run, opened, timeout, both.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            throw run.Begun
                ? Down(run, $"nothing came for {options.StallTimeout.TotalSeconds:0.#} s")
                : Down(run, $"no answer within {options.FirstByteTimeout.TotalSeconds:0.#} s");
        }
        catch (Exception error) when (error is IOException or HttpRequestException or System.Net.Sockets.SocketException)
        {
            throw Down(run, "the connection broke off", error);
        }
    }

    private void Declare(Run run, long length)
    {
        if (length > options.MaxAttachmentBytes)
            throw SourceException.TooLarge(run.Wanted.Place, options.MaxAttachmentBytes);
        run.Sized(length);
    }

    private async Task<(ContentDigest Digest, long Size)> CopyAsync(
        Run run,
        OpenedSource opened,
        CancellationTokenSource timeout,
        CancellationToken cancel
    )
    {
        using var hasher = new ContentHasher();
        using var file = Create(run.Part);
        var buffer = ArrayPool<byte>.Shared.Rent(ContentHasher.Block);
        var rate = new TransferRate(options.MinBytesPerSecond, options.StallTimeout);
        var opening = clock.GetTimestamp();
        try
        {
            for (long size = 0; ; )
            {
                var read = await opened.Content.ReadAsync(buffer.AsMemory(0, ContentHasher.Block), cancel);
                run.Begun = true;
                timeout.CancelAfter(options.StallTimeout);
                if (read == 0)
                {
                    if (opened.Length is { } declared && declared != size)
                        throw Down(run, $"broke off after {size} of {declared} bytes");
                    if (opened.Length is null)
                        run.Sized(size);
                    return (hasher.Take(), size);
                }

                if (size + read > options.MaxAttachmentBytes)
                    throw SourceException.TooLarge(run.Wanted.Place, options.MaxAttachmentBytes);
                if (rate.IsTooSlow(read, clock.GetElapsedTime(opening)))
                    throw Down(run, $"it sends less than {options.MinBytesPerSecond} bytes a second");
                hasher.Append(buffer.AsSpan(0, read));
                await WriteAsync(file, buffer.AsMemory(0, read), size, cancel);
                size += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static Microsoft.Win32.SafeHandles.SafeFileHandle Create(string part)
    {
        try
        {
            return File.OpenHandle(part, FileMode.Create, FileAccess.Write, FileShare.None, FileOptions.Asynchronous);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FetchDiskException(error);
        }
    }

    private static async ValueTask WriteAsync(
        Microsoft.Win32.SafeHandles.SafeFileHandle file,
        ReadOnlyMemory<byte> block,
        long at,
        CancellationToken cancel
    )
    {
        try
        {
            await RandomAccess.WriteAsync(file, block, at, cancel);
        }
        catch (IOException error)
        {
            throw new FetchDiskException(error);
        }
    }

    private static SourceException Down(Run run, string what, Exception? inner = null) =>
        new(SourceFault.Down, $"{run.Wanted.Place}: {what}.", inner);

    private sealed class Run(AttachmentRef wanted, string part, Action<long> sized)
    {
        public AttachmentRef Wanted { get; } = wanted;
        public string Part { get; } = part;
        public Action<long> Sized { get; } = sized;

        /// <summary>Whether the first byte, or the end of the content, has arrived.</summary>
        public bool Begun { get; set; }
    }
}

/// <summary>Fetched content cannot be written to our own disk.</summary>
internal sealed class FetchDiskException(Exception inner) : Exception(inner.Message, inner);
