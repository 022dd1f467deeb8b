namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// The cache's files: one folder per tenant, one file per content, named by its hashes; files that are still being written lie in the
/// root.
/// Nothing is synced to disk, because what a power cut leaves is hashed before it is used.
/// </summary>
internal sealed class CacheFolder(string root)
{
    private const string Part = ".part";

    private readonly string _root = System.IO.Path.GetFullPath(root);

    /// <summary>Path of a new partial file, used until the content's hash is known.</summary>
    public string NewPart() => System.IO.Path.Combine(_root, Guid.NewGuid().ToString("N") + Part);

    public string Path(string tenant, in ContentDigest digest) => System.IO.Path.Combine(Folder(tenant), digest.FileName);

    /// <summary>Renames a complete partial file to its content's name. Throws <see cref="IOException"/>.</summary>
    public string Keep(string part, string tenant, in ContentDigest digest)
    {
        MakePrivate(Folder(tenant));
        var path = Path(tenant, digest);
        File.Move(part, path, overwrite: true);
        return path;
    }

    /// <summary>
    /// Creates the directory, and removes partial files of the previous run and files that do not belong to the cache. Returns the
    /// remaining
    /// files, the longest unused first.
    /// </summary>
    public List<(string Tenant, ContentDigest Digest, long Size, DateTimeOffset Written)> Sweep()
    {
        MakePrivate(_root);
        foreach (var part in Directory.EnumerateFiles(_root, "*" + Part))
            Delete(part);
        var found = new List<(string Tenant, ContentDigest Digest, long Size, DateTimeOffset Written)>();
        foreach (var folder in new DirectoryInfo(_root).EnumerateDirectories())
        {
            if (!IdSyntax.IsObjectId(folder.Name) || folder.LinkTarget is not null)
                continue;
            foreach (var file in folder.EnumerateFiles())
            {
                if (file.LinkTarget is null && ContentDigest.TryParse(file.Name, out var digest))
                    found.Add((folder.Name, digest, file.Length, file.LastWriteTimeUtc));
                else
                    Delete(file.FullName);
            }
        }

        found.Sort(static (a, b) => a.Written.CompareTo(b.Written));
        return found;
    }

    /// <summary>Deletes a file. One that cannot be deleted now is found again at the next start.</summary>
    public static void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next start finds the file again.
        }
    }

    private string Folder(string tenant) =>
        IdSyntax.IsObjectId(tenant)
            ? System.IO.Path.Combine(_root, tenant)
            : throw new ArgumentException($"'{tenant}' is no tenant's id.", nameof(tenant));

    // The content of mail is private, so only the daemon's user may read the folder.
    private static void MakePrivate(string folder)
    {
        if (Directory.Exists(folder))
            return;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
