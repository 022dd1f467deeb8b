using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// The cache's files: one folder a tenant, one file a content, named by its hashes; and what is still being written, in the root. Nothing
/// is synced: what a power cut leaves is hashed before it is used.
/// </summary>
internal sealed class CacheFolder(string root)
{
    private const string Part = ".part";

    private readonly string _root = System.IO.Path.GetFullPath(root);

    /// <summary>Where the next content is written until it is known what it is.</summary>
    public string NewPart() => System.IO.Path.Combine(_root, Guid.NewGuid().ToString("N") + Part);

    public string Path(string tenant, in ContentDigest digest) => System.IO.Path.Combine(Folder(tenant), digest.FileName);

    /// <summary>Makes a part the content. Throws <see cref="IOException"/>.</summary>
    public string Keep(string part, string tenant, in ContentDigest digest)
    {
        MakePrivate(Folder(tenant));
        var path = Path(tenant, digest);
        File.Move(part, path, overwrite: true);
        return path;
    }

    /// <summary>
    /// Makes the directory. Removes what was being written when the last run ended and whatever else is not ours; returns what is left, the
    /// longest unused first.
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

    /// <summary>What cannot be removed now is found again at the next start.</summary>
    public static void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next start finds it.
        }
    }

    private string Folder(string tenant) =>
        IdSyntax.IsObjectId(tenant)
            ? System.IO.Path.Combine(_root, tenant)
            : throw new ArgumentException($"'{tenant}' is no tenant's id.", nameof(tenant));

    // What mail carries is private.
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
