namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>The exclusive right to a data directory. The kernel gives it back when the process dies, however it dies.</summary>
internal sealed class DataLock : IDisposable
{
    private readonly FileStream _file;

    private DataLock(FileStream file) => _file = file;

    /// <summary>Throws <see cref="StoreRefusedException"/> when another process has it.</summary>
    public static DataLock Take(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, "lock");
        try
        {
            // FileShare.None is flock(LOCK_EX) on Unix. The file stays behind: deleting it would let a third process lock a new one.
            return new(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException fault) when (File.Exists(path))
        {
            throw new StoreRefusedException($"The data directory '{dataDirectory}' is in use by another process, which holds the file 'lock' in it. Stop that one first, or give this one a directory of its own.", fault);
        }
        catch (UnauthorizedAccessException fault)
        {
            throw new StoreRefusedException($"The data directory '{dataDirectory}' may not be written by this user.", fault);
        }
    }

    public void Dispose() => _file.Dispose();
}
