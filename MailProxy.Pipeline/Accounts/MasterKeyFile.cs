using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Accounts;

/// <summary>The key that a fresh installation makes for itself: <c>master.key</c> in the data directory.</summary>
internal sealed class MasterKeyFile(string directory)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public string Path { get; } = System.IO.Path.Combine(directory, "master.key");

    /// <summary>The text of a key file; null when there is none.</summary>
    public static string? Read(string path)
    {
        try
        {
            return System.IO.File.ReadAllText(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException(
                $"The master key file {path} cannot be read: {(Directory.Exists(path) ? "it is a directory." : error.Message)}",
                error
            );
        }
    }

    /// <summary>
    /// The file's mode in octal when others than its owner may read or write it; null: it is the owner's alone, or not there.
    /// </summary>
    public string? LooseMode()
    {
        if (OperatingSystem.IsWindows() || !System.IO.File.Exists(Path))
            return null;
        var mode = System.IO.File.GetUnixFileMode(Path);
        return (mode & ~(OwnerOnly | UnixFileMode.UserExecute)) == 0 ? null : Convert.ToString((int)mode, 8).PadLeft(4, '0');
    }

    /// <summary>
    /// Makes a key and the file, which must not be there. It appears whole, synced and under 0600 or not at all: a half-written key would
    /// refuse every later start.
    /// </summary>
    public MasterKey Create()
    {
        var key = MasterKey.Generate();
        var draft = Path + ".new";
        try
        {
            System.IO.File.Delete(draft);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = OwnerOnly;
            using (var file = new FileStream(draft, options))
            {
                file.Write(key.ToFileContent());
                file.Flush(flushToDisk: true);
            }

            System.IO.File.Move(draft, Path, overwrite: false);
            DirectorySync.Flush(directory);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException($"The master key file {Path} cannot be made: {error.Message}", error);
        }

        return key;
    }
}
