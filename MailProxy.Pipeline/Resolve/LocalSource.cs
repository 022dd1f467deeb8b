namespace MailProxy.Pipeline.Resolve;

/// <summary>Files of this machine, below a root.</summary>
internal sealed class LocalSource(ResolveOptions options, TimeProvider clock)
{
    /// <param name="place">Names the source in messages.</param>
    public async Task<OpenedSource> OpenAsync(string root, string path, object place, CancellationToken cancel)
    {
        // A file system of another machine may hang, so the opening has a thread and a patience of its own.
        var opening = Task.Run(() => RootedFile.Open(root, path, place), CancellationToken.None);
        FileStream file;
        try
        {
            file = await opening.WaitAsync(options.FirstByteTimeout, clock, cancel);
        }
        catch (Exception gaveUp) when (gaveUp is TimeoutException or OperationCanceledException)
        {
            _ = CloseLateAsync(opening);
            if (gaveUp is TimeoutException) throw new SourceException(SourceFault.Down, $"{place}: it could not be opened in time.", gaveUp);
            throw;
        }
        catch (IOException trouble)
        {
            throw new SourceException(SourceFault.Down, $"{place}: it cannot be opened.", trouble);
        }

        var length = file.Length;
        if (length <= options.MaxAttachmentBytes) return new(new CappedStream(file, place, length, options.MaxAttachmentBytes), length);
        await file.DisposeAsync();
        throw SourceException.TooLarge(place, options.MaxAttachmentBytes);
    }

    private static async Task CloseLateAsync(Task<FileStream> opening)
    {
        await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (opening.IsCompletedSuccessfully) await (await opening).DisposeAsync();
    }
}
