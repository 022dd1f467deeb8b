namespace MailProxy.Tests.Support.PowerCuts;

/// <summary>How much of what was not synced a power cut leaves.</summary>
internal enum CutKind
{
    /// <summary>Nothing: the disk had written only what it was told to.</summary>
    Nothing,

    /// <summary>All of it, as after the end of the process alone.</summary>
    All,

    /// <summary>Each page of 4 KB at an instant of its own between the last sync and the cut.</summary>
    Pages,

    /// <summary>Each sector of 512 octets likewise: pages are torn.</summary>
    Sectors,
}

/// <summary>
/// What a disk has after a power cut at an instant of a recording: all that was synced; and of the rest any selection, in any order between
/// files, sectors and names. A sector is written whole or not at all.
/// </summary>
internal sealed class CutDisk(DiskRecording recording, long at, CutKind kind, Random dice)
{
    /// <summary>Stands for names whose directory was not synced.</summary>
    public const string OpenNames = "/";

    private const int Sector = 512,
        Page = 4096;

    // How much of what was not synced is left, of the kinds that choose: mostly little, half, or mostly all.
    private readonly double _share = dice.Next(3) switch
    {
        0 => 0.1,
        1 => 0.5,
        _ => 0.9,
    };

    private readonly HashSet<string> _open = [];

    /// <summary>Writes the disk's content into a directory, and returns the files that had something unsynced.</summary>
    public IReadOnlySet<string> WriteTo(string directory)
    {
        var steps = recording.Steps().Where(step => step.At <= at).ToArray();
        var synced = new Dictionary<int, long>();
        var directories = new Dictionary<string, long>();
        foreach (var sync in steps.OfType<SyncStep>())
        {
            if (sync.Directory is { } name)
                directories[name] = Math.Max(directories.GetValueOrDefault(name), sync.Begun);
            else
                synced[sync.File] = Math.Max(synced.GetValueOrDefault(sync.File), sync.Begun);
        }

        var content = steps
            .Where(static step => step is WriteStep or TruncateStep)
            .ToLookup(static step => step is WriteStep write ? write.File : ((TruncateStep)step).File);
        foreach (var folder in recording.Folders)
            Directory.CreateDirectory(Moved(folder, directory));
        foreach (var (path, file) in Names(steps, directories))
        {
            var covered = synced.GetValueOrDefault(file);
            if (content[file].Any(step => step.At >= covered))
                _open.Add(Path.GetFileName(path));
            File.WriteAllBytes(Moved(path, directory), Content(file, [.. content[file]], covered));
        }

        return _open;
    }

    private string Moved(string path, string directory) => Path.Combine(directory, Path.GetRelativePath(recording.Root, path));

    private Dictionary<string, int> Names(Step[] steps, Dictionary<string, long> directories)
    {
        var names = new Dictionary<string, int>(recording.Base);
        foreach (var step in steps.OfType<NameStep>())
        {
            var folder = Path.GetDirectoryName(step.To ?? step.From!)!;
            if (step.At >= directories.GetValueOrDefault(folder))
            {
                _open.Add(OpenNames);
                if (!IsLeft())
                    continue;
            }

            if (step.From is { } from)
                names.Remove(from);
            if (step.To is { } to)
                names[to] = step.File;
        }

        return names;
    }

    private byte[] Content(int file, Step[] steps, long syncedBefore)
    {
        var disk = new Disk(recording.Before(file));
        var open = new List<Step>();
        foreach (var step in steps)
        {
            if (step.At < syncedBefore)
                disk.Apply(step, static _ => true);
            else
                open.Add(step);
        }

        if (kind == CutKind.Nothing || open.Count == 0)
            return disk.ToArray();

        // Every unit has an instant of its own up to which it was written, and so has the length.
        var unit = kind == CutKind.Pages ? Page : Sector;
        var instants = new Dictionary<long, int>();
        int Instant() => kind == CutKind.All ? open.Count : Written(open.Count);
        var length = disk.Length;
        foreach (var step in open.Take(Instant()))
            length = step is TruncateStep cut ? cut.Length : Math.Max(length, ((WriteStep)step).Offset + ((WriteStep)step).Octets.Length);
        for (var i = 0; i < open.Count; i++)
        {
            var index = i;
            disk.Apply(
                open[i],
                sector =>
                {
                    var number = sector * Sector / unit;
                    if (!instants.TryGetValue(number, out var instant))
                        instants.Add(number, instant = Instant());
                    return index < instant;
                }
            );
        }

        disk.Length = length;
        return disk.ToArray();
    }

    private int Written(int count) =>
        dice.NextDouble() < _share / 2 ? count
        : IsLeft() ? dice.Next(1, count + 1)
        : 0;

    private bool IsLeft() =>
        kind switch
        {
            CutKind.Nothing => false,
            CutKind.All => true,
            _ => dice.NextDouble() < _share,
        };

    /// <summary>One file's octets, to which steps are applied sector by sector.</summary>
    private sealed class Disk(byte[] content)
    {
        private byte[] _octets = [.. content];

        public long Length { get; set; } = content.Length;

        public void Apply(Step step, Func<long, bool> isWritten)
        {
            if (step is TruncateStep cut)
            {
                for (var at = cut.Length; at < _octets.Length; at = (at / Sector + 1) * Sector)
                {
                    if (isWritten(at / Sector))
                        _octets.AsSpan((int)at, Math.Min((int)((at / Sector + 1) * Sector), _octets.Length) - (int)at).Clear();
                }

                Length = cut.Length;
                return;
            }

            var write = (WriteStep)step;
            var end = write.Offset + write.Octets.Length;
            if (end > _octets.Length)
                Array.Resize(ref _octets, (int)Math.Max(end, _octets.Length * 2L));
            for (var at = write.Offset; at < end; )
            {
                var next = Math.Min(end, (at / Sector + 1) * Sector);
                if (isWritten(at / Sector))
                    write.Octets.AsSpan((int)(at - write.Offset), (int)(next - at)).CopyTo(_octets.AsSpan((int)at));
                at = next;
            }

            Length = Math.Max(Length, end);
        }

        public byte[] ToArray()
        {
            if (Length > _octets.Length)
                Array.Resize(ref _octets, (int)Length);
            return _octets[..(int)Length];
        }
    }
}
