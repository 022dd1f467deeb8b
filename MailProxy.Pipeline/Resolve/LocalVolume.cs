namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Writes files below the root of a local volume. Files and folders created here are accessible to their owner only, and no link below the
/// root is followed.
/// </summary>
internal static class LocalVolume
{
    private const UnixFileMode OwnDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const string Part = ".part";

    /// <summary>Writes a file atomically: it appears complete under its name, or not at all.</summary>
    public static async Task PutAsync(string root, string key, Stream content, long size, CancellationToken cancel)
    {
        var path = Path.Join(root, key);
        MakeFolders(root, key);
        File.Delete(path + Part);
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            PreallocationSize = size,
            BufferSize = 0,
            Options = FileOptions.Asynchronous,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            await using (var file = new FileStream(path + Part, options))
            {
                await content.CopyToAsync(file, 128 * 1024, cancel);
                file.Flush(flushToDisk: true);
            }

            File.Move(path + Part, path, overwrite: true);
        }
        catch
        {
            File.Delete(path + Part);
            throw;
        }
    }

    /// <summary>Removes a file; a missing file counts as removed.</summary>
    public static void Remove(string root, string key)
    {
        var path = Path.Join(root, key);
        if (!Directory.Exists(root))
            throw new DirectoryNotFoundException("The root is not there.");
        if (!Directory.Exists(Path.GetDirectoryName(path)))
            return;
        MakeFolders(root, key);
        File.Delete(path + Part);
        File.Delete(path);
    }

    private static void MakeFolders(string root, string key)
    {
        // If the root is not mounted, it must not be created on the disk below the mount point.
        if (!Directory.Exists(root))
            throw new DirectoryNotFoundException("The root is not there.");
        var folder = root;
        foreach (var name in key.Split('/')[..^1])
        {
            folder = Path.Join(folder, name);
            var made = OperatingSystem.IsWindows() ? Directory.CreateDirectory(folder) : Directory.CreateDirectory(folder, OwnDirectory);
            if (made.LinkTarget is not null)
                throw new IOException("A folder below the root is a link.");
        }
    }
}
