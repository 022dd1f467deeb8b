using System.Text;
using MailProxy.Pipeline.Disk;

namespace MailProxy.Daemon.Hosting;

/// <summary>Prepares the data directory before anything in it is opened: it exists, and this user may write to it and its
/// folders.</summary>
internal static class DataDirectory
{
    // SQLite accepts paths of at most 512 bytes, including the names of its log files.
    private const int LongestPath = 480;

    private const int NoSpace = 28; // ENOSPC
    private const int ReadOnly = 30; // EROFS

    /// <summary>Returns the full path. Throws <see cref="StoreRefusedException"/> with what is wrong with the directory.</summary>
    public static string Prepare(string setting)
    {
        var data = Full(setting);
        if (Encoding.UTF8.GetByteCount(data) > LongestPath)
            throw new StoreRefusedException(
                $"The data directory's path is longer than " + $"{LongestPath} bytes, the most that the database takes: '{data[..60]}…'."
            );
        Make(data, "data directory");
        foreach (var folder in (string[])["spool", "cache"])
            Make(Path.Combine(data, folder), "directory");
        return data;
    }

    private static string Full(string setting)
    {
        try
        {
            return Path.GetFullPath(setting);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException(
                $"The data directory '{setting}' is relative, and the working directory is gone or cannot be "
                    + $"read. Set an absolute path by --data or MAILPROXY_DATA.",
                error
            );
        }
        catch (ArgumentException error)
        {
            throw new StoreRefusedException(
                $"The data directory '{OneLine.Quote(setting)}' is not a valid path: {OneLine.Of(error)}",
                error
            );
        }
    }

    // Mail is private, so a directory created here is accessible to its owner only. An existing one keeps its mode.
    private static void Make(string path, string what)
    {
        if (File.Exists(path))
            throw new StoreRefusedException($"The {what} '{path}' is a file. Move it away, or set another data " + $"directory.");
        try
        {
            if (!Directory.Exists(path))
                MakePrivate(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException($"The {what} '{path}' cannot be made: {Why(error)}.", error);
        }

        TryToWrite(path, what);
    }

    private static void MakePrivate(string path)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    // Only trying to write covers modes, owners, access lists and read-only mounts.
    private static void TryToWrite(string path, string what)
    {
        var probe = Path.Combine(path, $".probe-{Guid.NewGuid():N}");
        try
        {
            using (File.OpenHandle(probe, FileMode.CreateNew, FileAccess.Write)) { }

            File.Delete(probe);
            _ = Directory.EnumerateFileSystemEntries(path).FirstOrDefault();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException($"The {what} '{path}' cannot be written: {Why(error)}.", error);
        }
    }

    private static string Why(Exception failure) =>
        failure switch
        {
            UnauthorizedAccessException => "this user lacks the permission",
            IOException { HResult: NoSpace } => "the disk is full",
            IOException { HResult: ReadOnly } => "the file system is read-only",
            DirectoryNotFoundException => "what is above it is missing or no directory",
            _ => OneLine.Of(failure)[..^1],
        };
}
