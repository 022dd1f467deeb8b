using Microsoft.Win32.SafeHandles;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// The daemon's own files, which no mail may carry however wide a root is: the files directly in the data directory (database, keys, lock)
/// and those in its spool and cache, by whatever path or hard link they are reached. Other folders of the data directory may be volumes.
/// </summary>
public sealed class ProtectedFiles(string dataDirectory)
{
    private static readonly string[] Folders = ["spool", "cache"];

    private readonly string _data = Path.TrimEndingDirectorySeparator(Path.GetFullPath(dataDirectory));

    /// <summary>Whether every file below the root would be a protected one.</summary>
    public bool AreAllOf(string root)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        return Folders.Any(folder => IsAtOrBelow(Path.Join(_data, folder), full));
    }

    /// <param name="path">The real path of the open file.</param>
    internal bool Contain(string path, SafeFileHandle file)
    {
        var data = RootedFile.RealPath(_data) ?? _data;
        if (Path.GetDirectoryName(path) == data || Folders.Any(folder => IsAtOrBelow(Path.Join(data, folder), path)))
            return true;

        // A hard link: another name of the same file, on the same file system.
        var identity = RootedFile.Identity(file);
        return identity.Links > 1
            && Directory.Exists(data)
            && Directory.EnumerateFiles(data).Any(own => RootedFile.Identity(own) is { } known && known.IsSameFile(identity));
    }

    private static bool IsAtOrBelow(string folder, string path) =>
        path == folder || path.StartsWith(folder + "/", StringComparison.Ordinal);
}

/// <summary>Identifies an open file, to see whether two are the same one.</summary>
internal readonly record struct FileIdentity(uint Links, ulong Inode, uint DeviceMajor, uint DeviceMinor)
{
    public bool IsSameFile(FileIdentity other) => (Inode, DeviceMajor, DeviceMinor) == (other.Inode, other.DeviceMajor, other.DeviceMinor);
}
