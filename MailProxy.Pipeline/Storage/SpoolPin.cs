using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Storage;

/// <summary>
/// Keeps spool files in place while a backup, which is another process, copies those that its snapshot names. The kernel releases the pin
/// of
/// a process that dies.
/// </summary>
internal static class SpoolPin
{
    private const string FileName = "spool.pin";

    /// <summary>
    /// Waits until a deletion under way has ended; from then on none runs until the result is disposed. Any number of processes may hold
    /// the pin.
    /// </summary>
    public static async Task<IDisposable> HoldAsync(string dataDirectory, TimeProvider clock)
    {
        var path = Path.Combine(dataDirectory, FileName);
        for (var tries = 0; ; tries++)
        {
            try
            {
                // Opening a file for reading with FileShare.Read is flock(LOCK_SH) on Unix.
                if (File.Exists(path))
                    return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
                using (new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite)) { }

                PrivateFiles.GiveTo(dataDirectory, [path]);
            }
            catch (IOException) when (tries < 1000 && File.Exists(path))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), clock);
            }
        }
    }

    /// <summary>Runs the action unless somebody holds the spool; false when somebody does.</summary>
    public static bool TryWithout(string dataDirectory, Action act)
    {
        FileStream? exclusive = null;
        try
        {
            exclusive = new(Path.Combine(dataDirectory, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception error) when (error is DirectoryNotFoundException or UnauthorizedAccessException)
        {
            // The directory is missing, or the file belongs to somebody else, so it pins nothing.
        }
        catch (IOException)
        {
            return false;
        }

        using (exclusive)
            act();
        return true;
    }
}
