using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace MailProxy.Pipeline.Disk;

/// <summary>Files and directories that are accessible to their owner only, and file operations that .NET does not offer.</summary>
public static class PrivateFiles
{
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const uint Exchange = 2; // RENAME_EXCHANGE
    private const uint Basic = 0x7ff; // STATX_BASIC_STATS
    private const int StatSize = 256,
        UserAt = 20,
        GroupAt = 24;
    private const int Block = 1 << 17;

    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnersDirectory = OwnersFile | UnixFileMode.UserExecute;

    public static void MakeDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, OwnersDirectory);
    }

    /// <summary>Writes a file and syncs it.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        using var file = Create(path);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Copies a file, syncs the copy, and returns size and hash of what was copied.</summary>
    public static (long Size, string Sha256) Copy(string from, string to)
    {
        using var source = new FileStream(from, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        using var target = Create(to);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = new byte[Block];
        long size = 0;
        while (source.Read(block) is var read and > 0)
        {
            hash.AppendData(block, 0, read);
            target.Write(block, 0, read);
            size += read;
        }

        target.Flush(flushToDisk: true);
        return (size, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    public static (long Size, string Sha256) Digest(string path)
    {
        using var file = File.OpenRead(path);
        return (file.Length, Convert.ToHexStringLower(SHA256.HashData(file)));
    }

    /// <summary>
    /// Removes the access of others from a file or directory, and from everything below it. True when there was any to remove.
    /// </summary>
    public static bool Tighten(string path)
    {
        if (OperatingSystem.IsWindows())
            return false;
        var isDirectory = Directory.Exists(path);
        if (!isDirectory && !File.Exists(path))
            return false;
        if ((File.GetUnixFileMode(path) & ~OwnersDirectory) == 0)
            return false;
        File.SetUnixFileMode(path, isDirectory ? OwnersDirectory : OwnersFile);
        if (!isDirectory)
            return true;
        foreach (var entry in new DirectoryInfo(path).EnumerateFileSystemInfos().Where(entry => entry.LinkTarget is null))
            Tighten(entry.FullName);
        return true;
    }

    /// <summary>Gives files to the owner of a directory, which only root can do. Files that already belong to that owner stay
    /// unchanged.</summary>
    public static void GiveTo(string directory, IEnumerable<string> paths)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
            return;
        var stat = new byte[StatSize];
        if (Statx(CurrentDirectory, directory, 0, Basic, stat) != 0)
            throw Failed(directory);
        var (user, group) = (BitConverter.ToUInt32(stat, UserAt), BitConverter.ToUInt32(stat, GroupAt));
        foreach (var path in paths)
        {
            if (Chown(path, user, group) != 0)
                throw Failed(path);
        }
    }

    /// <summary>Exchanges two directories in one step. False when the file system cannot do that.</summary>
    public static bool TryExchange(string one, string other) =>
        OperatingSystem.IsLinux() && RenameAt2(CurrentDirectory, one, CurrentDirectory, other, Exchange) == 0;

    private static FileStream Create(string path)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnersFile;
        return new(path, options);
    }

    private static IOException Failed(string path) => new($"'{path}': {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");

    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static extern int Statx(int directory, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, byte[] buffer);

    [DllImport("libc", EntryPoint = "chown", SetLastError = true)]
    private static extern int Chown([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint user, uint group);

    [DllImport("libc", EntryPoint = "renameat2", SetLastError = true)]
    private static extern int RenameAt2(
        int fromDirectory,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string from,
        int toDirectory,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string to,
        uint flags
    );
}
