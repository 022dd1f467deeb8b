using System.Collections.Concurrent;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Reads files of this machine below a root directory.</summary>
/// <param name="secret">Files that no mail may carry; null when there are none.</param>
/// <param name="open">Takes root, path, and the name of the source in messages; null: <see cref="RootedFile.Open"/>.</param>
internal sealed class LocalSource(
    ResolveOptions options,
    TimeProvider clock,
    ProtectedFiles? secret = null,
    Func<string, string, object, FileStream>? open = null
)
{
    /// <summary>How many openings of one root may hang at a time; each occupies a thread.</summary>
    private const int MostStuck = 4;

    private readonly Func<string, string, object, FileStream> _open =
        open ?? ((root, path, source) => RootedFile.Open(root, path, source, secret));
    private readonly ConcurrentDictionary<string, int> _stuck = new();

    /// <param name="source">Names the source in messages.</param>
    public async Task<OpenedSource> OpenAsync(string root, string path, object source, CancellationToken cancel)
    {
        // A network file system may hang, so the file is opened on a thread of its own, with a timeout.
        if (_stuck.GetValueOrDefault(root) >= MostStuck)
            throw new SourceException(SourceFault.Down, $"{source}: its file system does not answer.");
        var opening = Task.Run(() => _open(root, path, source), CancellationToken.None);
        FileStream file;
        try
        {
            file = await opening.WaitAsync(options.FirstByteTimeout, clock, cancel);
        }
        catch (Exception error) when (error is TimeoutException or OperationCanceledException)
        {
            _ = CloseLateAsync(root, opening);
            if (error is TimeoutException)
                throw new SourceException(SourceFault.Down, $"{source}: it could not be opened in time.", error);
            throw;
        }
        catch (IOException error)
        {
            throw new SourceException(SourceFault.Down, $"{source}: it cannot be opened.", error);
        }

        var length = file.Length;
        if (length <= options.MaxAttachmentBytes)
            return new(new CappedStream(file, source, length, options.MaxAttachmentBytes), length);
        await file.DisposeAsync();
        throw SourceException.TooLarge(source, options.MaxAttachmentBytes);
    }

    private async Task CloseLateAsync(string root, Task<FileStream> opening)
    {
        _stuck.AddOrUpdate(root, 1, static (_, stuck) => stuck + 1);
        await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stuck.AddOrUpdate(root, 0, static (_, stuck) => stuck - 1);
        if (opening.IsCompletedSuccessfully)
            await (await opening).DisposeAsync();
    }
}
