namespace MailProxy.Pipeline.Storage;

/// <summary>Bodies too large for a row: one file each, synced before the row that names it is committed. What no row names is swept at the start.</summary>
public sealed class SpoolFiles
{
    private const string Draft = ".part";

    private readonly string _directory;

    public SpoolFiles(string directory)
    {
        _directory = Path.GetFullPath(directory);
        MakeDirectory();
    }

    /// <summary>Makes the directory again when somebody has removed it beneath us; true when it was made. Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> when that cannot be done, as when the data directory itself is gone.</summary>
    public bool Restore()
    {
        if (Directory.Exists(_directory)) return false;
        if (!Directory.Exists(Path.GetDirectoryName(_directory))) throw new DirectoryNotFoundException($"The directory above '{_directory}' is gone.");
        MakeDirectory();
        return true;
    }

    /// <summary>Writes a file that survives a power cut and returns its name. Throws <see cref="IOException"/> when the disk will not take it; then nothing is left behind.</summary>
    public async Task<string> WriteAsync(ReadOnlyMemory<byte> content)
    {
        Restore();
        var name = Guid.NewGuid().ToString("N");
        var draft = Full(name + Draft);
        try
        {
            using (var file = File.OpenHandle(draft, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.Asynchronous, content.Length))
            {
                await RandomAccess.WriteAsync(file, content, 0);
                await Task.Run(() => RandomAccess.FlushToDisk(file));
            }

            File.Move(draft, Full(name));
            await Task.Run(() => DirectorySync.Flush(_directory));
            return name;
        }
        catch (IOException)
        {
            Delete(name + Draft);
            Delete(name);
            throw;
        }
    }

    /// <summary>Throws <see cref="IOException"/> when it is missing or cannot be read.</summary>
    public async Task<ReadOnlyMemory<byte>> ReadAsync(string name) => await File.ReadAllBytesAsync(Full(name));

    /// <summary>For the writer's thread, which has no async; null when it cannot be read.</summary>
    internal byte[]? TryRead(string name)
    {
        try
        {
            return File.ReadAllBytes(Full(name));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Removes a file that no row names any more. One that cannot be removed now is swept at the next start.</summary>
    public void Delete(string name)
    {
        try
        {
            File.Delete(Full(name));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // The sweep takes it.
        }
    }

    /// <summary>Removes every file that is not referenced; how many. Only while nothing is being written.</summary>
    public int Sweep(ISet<string> referenced)
    {
        var swept = 0;
        foreach (var path in Directory.EnumerateFiles(_directory))
        {
            var name = Path.GetFileName(path);
            if (referenced.Contains(name)) continue;
            Delete(name);
            swept++;
        }

        return swept;
    }

    /// <summary>Bytes that this user may still write where the spool is.</summary>
    public long FreeBytes() => new DriveInfo(Directory.Exists(_directory) ? _directory : Path.GetDirectoryName(_directory)!).AvailableFreeSpace;

    // What mail carries is private.
    private void MakeDirectory()
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(_directory);
        else Directory.CreateDirectory(_directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>What an error of a file means, for a person, without the directories of this machine.</summary>
    public static string Why(Exception fault) => fault switch
    {
        FileNotFoundException or DirectoryNotFoundException => "it is gone",
        UnauthorizedAccessException => "the permission is missing",
        _ => fault.Message,
    };

    private string Full(string name) => Path.Combine(_directory, name);
}
