namespace MailProxy.Pipeline.Storage;

/// <summary>Keeps spool files where they are while a backup, which is another process, copies those that its snapshot names. The kernel
/// takes a pin away from whoever dies.</summary>
internal static class SpoolPin
{
    private const string FileName = "spool.pin";

    /// <summary>Waits for a deletion that is under way; from then on there is none until the result is disposed. Any number may hold
    /// it.</summary>
    public static async Task<IDisposable> HoldAsync(string dataDirectory, TimeProvider clock)
    {
        var path = Path.Combine(dataDirectory, FileName);
        for (var tries = 0; ; tries++)
        {
            try
            {
                // Read and shared for reading is flock(LOCK_SH) on Unix.
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

    /// <summary>Does it unless somebody holds the spool; false: somebody does.</summary>
    public static bool TryWithout(string dataDirectory, Action act)
    {
        FileStream? exclusive = null;
        try
        {
            exclusive = new(Path.Combine(dataDirectory, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception error) when (error is DirectoryNotFoundException or UnauthorizedAccessException)
        {
            // The directory is gone, or the file is somebody else's: it pins nothing.
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
