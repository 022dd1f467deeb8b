namespace MailProxy.Daemon.Sandbox;

/// <summary>
/// What the sandbox may take of the process's memory: an eighth for large bodies on their way in, an eighth for mail that it keeps. One
/// large body is let in whatever its size when it is the only one.
/// </summary>
internal sealed class SandboxMemory(long most)
{
    private const int Part = 8;

    private readonly Lock _lock = new();
    private long _held;

    /// <summary>As much as this process may have.</summary>
    public static SandboxMemory OfProcess => new(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / Part);

    /// <summary>Bytes of mail that may be kept, of so many that are asked for.</summary>
    public long Kept(long asked) => Math.Min(asked, most);

    /// <summary>Makes what a body holds larger; false: there is no memory for it now, and nothing has changed.</summary>
    public bool TryGrow(long from, long to)
    {
        lock (_lock)
        {
            if (_held - from + to > most && _held != from)
                return false;
            _held += to - from;
            return true;
        }
    }

    public void GiveBack(long bytes)
    {
        lock (_lock)
            _held -= bytes;
    }
}
