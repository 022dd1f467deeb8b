namespace MailProxy.Pipeline.Disk;

/// <summary>The exclusive lock of a data directory. The kernel releases it when the process dies, however it dies.</summary>
internal sealed class DataLock : IDisposable
{
    private static readonly int HeldByAnother =
        OperatingSystem.IsWindows() ? unchecked((int)0x80070020)
        : OperatingSystem.IsLinux() ? 11
        : 35; // ERROR_SHARING_VIOLATION, EWOULDBLOCK

    private readonly FileStream _file;

    private DataLock(FileStream file) => _file = file;

    /// <summary>Throws <see cref="StoreRefusedException"/> when another process has the lock, or the file cannot be opened.</summary>
    public static DataLock Take(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, "lock");
        try
        {
            // FileShare.None is flock(LOCK_EX) on Unix. The file is never deleted, because a third process could then lock a new one.
            return new(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException error) when (error.HResult == HeldByAnother)
        {
            throw new StoreRefusedException(
                $"The data directory '{dataDirectory}' is in use by another process, which holds the file 'lock' in it. Stop that "
                    + "one first, or give this one a directory of its own.",
                error
            );
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException(
                $"The file '{path}' cannot be locked: {(Directory.Exists(path) ? "it is a directory." : error.Message)}",
                error
            );
        }
    }

    public void Dispose() => _file.Dispose();
}
