namespace MailProxy.Pipeline.Flow;

/// <summary>
/// Content that lies in a file on this machine and stays there while this is not disposed. Whoever has it may open the file for reading as
/// often as he likes, and disposes this when he has closed it.
/// </summary>
public sealed class LocalContent : IDisposable
{
    private Action? _release;

    /// <param name="path">Absolute path of the file.</param>
    /// <param name="size">Its length in bytes.</param>
    /// <param name="release">Called once, at the first dispose.</param>
    public LocalContent(string path, long size, Action? release)
    {
        (Path, Size) = (path, size);
        _release = release;
    }

    /// <summary>Absolute path of the file.</summary>
    public string Path { get; }

    /// <summary>Its length in bytes.</summary>
    public long Size { get; }

    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
