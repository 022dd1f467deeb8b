using MailProxy.Pipeline.Disk;

namespace MailProxy.Tests.Support.PowerCuts;

/// <summary>
/// Everything that was written, renamed and synced below a directory since the recording began, in the one order of its clock, which also
/// dates what the outside saw. From this follows what a power cut at any instant may leave (<see cref="CutDisk"/>).
/// </summary>
/// <remarks>
/// A step is dated after it was taken and a sync from before it began to after it ended, so that a sync never covers more than it did.
/// </remarks>
internal sealed class DiskRecording : IDisposable
{
    private static readonly Lock Registering = new();
    private static DiskRecording[] _all = [];

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _names = [];
    private readonly Dictionary<(string Path, int Thread), long> _syncing = [];
    private readonly List<Step> _steps = [];
    private readonly List<byte[]> _base = [];
    private readonly Func<string, bool> _syncs;
    private long _clock;

    /// <summary>Begins a recording. What stands in the directory counts as synced.</summary>
    /// <param name="syncs">Whether a sync of this path counts; to show what is found when one is missing.</param>
    public DiskRecording(string directory, Func<string, bool>? syncs = null)
    {
        Root = Path.GetFullPath(directory);
        _syncs = syncs ?? (static _ => true);
        foreach (var file in Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories).Where(IsKept))
        {
            _names[file] = _base.Count;
            _base.Add(File.ReadAllBytes(file));
        }

        Base = new(_names);
        Folders = Directory.GetDirectories(Root, "*", SearchOption.AllDirectories);
        RecordingVfs.Install();
        lock (Registering)
        {
            if (_all.Length == 0)
                DiskSteps.Taken += OnTaken;
            _all = [.. _all, this];
        }
    }

    public string Root { get; }

    /// <summary>The names at the beginning.</summary>
    public Dictionary<string, int> Base { get; }

    /// <summary>The directories below at the beginning.</summary>
    public IReadOnlyList<string> Folders { get; }

    /// <summary>Now.</summary>
    public long Clock => Interlocked.Read(ref _clock);

    /// <summary>The recording to which a path belongs; null: none.</summary>
    public static DiskRecording? Of(string path)
    {
        foreach (var recording in Volatile.Read(ref _all))
        {
            if (path.StartsWith(recording.Root + Path.DirectorySeparatorChar, StringComparison.Ordinal) || path == recording.Root)
                return recording;
        }

        return null;
    }

    /// <summary>A new instant.</summary>
    public long Tick() => Interlocked.Increment(ref _clock);

    /// <summary>Content at the beginning; empty for a file that came later.</summary>
    public byte[] Before(int file) => file < _base.Count ? _base[file] : [];

    public Step[] Steps()
    {
        lock (_gate)
            return [.. _steps];
    }

    /// <summary>When something was written into this file.</summary>
    public long[] WritesTo(string path)
    {
        var file = FileOf(path);
        return [.. Steps().OfType<WriteStep>().Where(step => step.File == file).Select(static step => step.At)];
    }

    public int Made(string path)
    {
        lock (_gate)
        {
            var file = _base.Count + _steps.Count; // a number that no other file has
            _names[path] = file;
            Add(new NameStep(Tick(), null, path, file));
            return file;
        }
    }

    /// <summary>The file of this name; one that is not known yet is made.</summary>
    public int FileOf(string path)
    {
        lock (_gate)
            return _names.TryGetValue(path, out var file) ? file : Made(path);
    }

    public void Moved(string from, string to)
    {
        lock (_gate)
        {
            if (!_names.Remove(from, out var file))
                return;
            _names[to] = file;
            Add(new NameStep(Tick(), from, to, file));
        }
    }

    public void Removed(string path)
    {
        lock (_gate)
        {
            if (_names.Remove(path))
                Add(new NameStep(Tick(), path, null, -1));
        }
    }

    public void Wrote(int file, long at, ReadOnlySpan<byte> octets)
    {
        var copy = octets.ToArray();
        lock (_gate)
            Add(new WriteStep(Tick(), file, at, copy));
    }

    public void Truncated(int file, long length)
    {
        lock (_gate)
            Add(new TruncateStep(Tick(), file, length));
    }

    /// <param name="begun">An instant before the sync began.</param>
    public void Synced(string path, int file, long begun)
    {
        lock (_gate)
        {
            if (_syncs(path))
                Add(new SyncStep(Tick(), file, null, begun));
        }
    }

    /// <inheritdoc cref="Synced"/>
    public void DirectorySynced(string directory, long begun)
    {
        lock (_gate)
        {
            if (_syncs(directory))
                Add(new SyncStep(Tick(), -1, directory, begun));
        }
    }

    public void Dispose()
    {
        lock (Registering)
        {
            _all = [.. _all.Where(one => one != this)];
            if (_all.Length == 0)
                DiskSteps.Taken -= OnTaken;
        }
    }

    // The index of the log in shared memory is made anew after every power cut, and a lock is nobody's then.
    private static bool IsKept(string path) => !path.EndsWith("-shm", StringComparison.Ordinal) && Path.GetFileName(path) != "lock";

    private static void OnTaken(DiskStep step, string path, string? to, long at, ReadOnlySpan<byte> octets) =>
        Of(Path.GetFullPath(path))?.Take(step, Path.GetFullPath(path), to, at, octets);

    private void Take(DiskStep step, string path, string? to, long at, ReadOnlySpan<byte> octets)
    {
        switch (step)
        {
            case DiskStep.Made:
                Made(path);
                break;
            case DiskStep.Wrote:
                Wrote(FileOf(path), at, octets);
                break;
            case DiskStep.Moved:
                Moved(path, Path.GetFullPath(to!));
                break;
            case DiskStep.Removed:
                Removed(path);
                break;
            case DiskStep.Syncing:
                lock (_gate)
                    _syncing[Syncing(path)] = Tick();
                break;
            case DiskStep.Synced:
                long begun;
                lock (_gate)
                    _syncing.Remove(Syncing(path), out begun);
                if (Directory.Exists(path))
                    DirectorySynced(path, begun);
                else
                    Synced(path, FileOf(path), begun);
                break;
        }
    }

    // A directory may be synced by several threads at a time, a file by one; but the sync of a file may end on another thread.
    private static (string, int) Syncing(string path) => (path, Directory.Exists(path) ? Environment.CurrentManagedThreadId : 0);

    private void Add(Step step) => _steps.Add(step);
}

/// <summary>One step of a recording.</summary>
/// <param name="At">When it had been taken.</param>
internal abstract record Step(long At);

internal sealed record WriteStep(long At, int File, long Offset, byte[] Octets) : Step(At);

internal sealed record TruncateStep(long At, int File, long Length) : Step(At);

/// <summary>A file got a name (<paramref name="To"/>), lost one (<paramref name="From"/>), or changed it.</summary>
internal sealed record NameStep(long At, string? From, string? To, int File) : Step(At);

/// <summary>What was done before <paramref name="Begun"/> to a file, or to the names of a directory, is on the disk.</summary>
internal sealed record SyncStep(long At, int File, string? Directory, long Begun) : Step(At);
