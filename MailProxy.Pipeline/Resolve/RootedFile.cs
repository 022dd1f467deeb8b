using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Opens a file that must lie below a root. First only the name is opened (<c>O_PATH</c>: no device is touched, and no pipe waits for a
/// writer); then the opened file is checked; then that very file is opened for reading, so nobody can swap a link in between. Symbolic
/// links
/// below the root are followed as long as they stay below it.
/// </summary>
internal static class RootedFile
{
    private const int OPath = 0x20_0000,
        OCloseOnExec = 0x8_0000,
        ODirectory = 0x1_0000;
    private const int AtEmptyPath = 0x1000;
    private const uint StatxType = 1,
        StatxLinks = 4,
        StatxInode = 0x100,
        TypeMask = 0xF000,
        RegularFile = 0x8000;

    private const int NoPermission = 1,
        NoEntry = 2,
        AccessDenied = 13,
        NotDirectory = 20,
        NameTooLong = 36,
        LinkLoop = 40;

    /// <param name="root">Absolute; the root itself may be reached over links.</param>
    /// <param name="path">Relative to the root; its syntax is already checked.</param>
    /// <param name="source">Names the source in messages.</param>
    /// <param name="secret">Files that may not be read although they lie below the root; null when there are none.</param>
    public static FileStream Open(string root, string path, object source, ProtectedFiles? secret = null)
    {
        using var directory = OpenPath(root, ODirectory, out var errno);
        if (directory is null)
            throw new SourceException(SourceFault.Down, $"{source}: its root cannot be reached ({Text(errno)}).");
        using var named = OpenPath(Path.Join(root, path), 0, out errno);
        if (named is null)
            throw Refused(source, errno);

        // The opened file tells its real path, whatever the given name looked like.
        var (home, real) = (RealPath(directory), RealPath(named));
        if (!real.StartsWith(home.EndsWith('/') ? home : home + "/", StringComparison.Ordinal))
            throw new SourceException(SourceFault.Refused, $"{source}: it is not below its root.");
        if (!IsRegular(named))
            throw new SourceException(SourceFault.Refused, $"{source}: it is not a regular file.");
        if (secret?.Contain(real, named) == true)
            throw new SourceException(SourceFault.Refused, $"{source}: it is the daemon's own.");
        try
        {
            // Without a buffer, since the stream's own would be a second copy. The share mode locks nobody out while the file is read.
            return new FileStream(
                SelfPath(named),
                new FileStreamOptions
                {
                    Access = FileAccess.Read,
                    Mode = FileMode.Open,
                    Share = FileShare.ReadWrite | FileShare.Delete,
                    BufferSize = 0,
                }
            );
        }
        catch (UnauthorizedAccessException error)
        {
            throw new SourceException(SourceFault.Refused, $"{source}: it may not be read.", error);
        }
        catch (IOException error)
        {
            throw new SourceException(SourceFault.Down, $"{source}: it cannot be read.", error);
        }
    }

    /// <summary>The real path that a path leads to; null when it cannot be reached.</summary>
    internal static string? RealPath(string path)
    {
        using var handle = OpenPath(path, 0, out _);
        return handle is null ? null : RealPath(handle);
    }

    /// <summary>The identity of the file at a path; null when it cannot be reached.</summary>
    internal static FileIdentity? Identity(string path)
    {
        using var handle = OpenPath(path, 0, out _);
        return handle is null ? null : Identity(handle);
    }

    internal static FileIdentity Identity(SafeFileHandle handle)
    {
        var status = Status(handle, StatxLinks | StatxInode);
        return new(
            BitConverter.ToUInt32(status, 16),
            BitConverter.ToUInt64(status, 32),
            BitConverter.ToUInt32(status, 136),
            BitConverter.ToUInt32(status, 140)
        );
    }

    private static SafeFileHandle? OpenPath(string path, int flags, out int error)
    {
        var handle = open(path, OPath | OCloseOnExec | flags, 0);
        error = Marshal.GetLastPInvokeError();
        if (!handle.IsInvalid)
            return handle;
        handle.Dispose();
        return null;
    }

    private static SourceException Refused(object source, int error) =>
        error switch
        {
            NoEntry or NotDirectory or NameTooLong => new(SourceFault.Gone, $"{source}: there is no such file."),
            LinkLoop => new(SourceFault.Refused, $"{source}: its links lead in a circle."),
            NoPermission or AccessDenied => new(SourceFault.Refused, $"{source}: it may not be read."),
            _ => new(SourceFault.Down, $"{source}: it cannot be opened ({Text(error)})."),
        };

    private static string SelfPath(SafeFileHandle handle) => $"/proc/self/fd/{handle.DangerousGetHandle()}";

    private static string RealPath(SafeFileHandle handle)
    {
        var target = new byte[4096];
        var length = readlink(SelfPath(handle), target, target.Length);
        if (length <= 0 || length == target.Length)
            throw new IOException($"The path of an open file is unknown: {Text(Marshal.GetLastPInvokeError())}");
        return Encoding.UTF8.GetString(target, 0, (int)length);
    }

    private static bool IsRegular(SafeFileHandle handle) =>
        (BitConverter.ToUInt16(Status(handle, StatxType), 28) & TypeMask) == RegularFile;

    // struct statx is the same on every architecture: 256 bytes; links at 16, the mode at 28, the inode at 32, the device at 136 and 140.
    private static byte[] Status(SafeFileHandle handle, uint wanted)
    {
        var status = new byte[256];
        if (statx(handle, "", AtEmptyPath, wanted, status) == 0)
            return status;
        throw new IOException($"What an open file is cannot be told: {Text(Marshal.GetLastPInvokeError())}");
    }

    private static string Text(int error) => new Win32Exception(error).Message;

    [DllImport("libc", SetLastError = true)]
    private static extern SafeFileHandle open(string path, int flags, int mode);

    [DllImport("libc", SetLastError = true)]
    private static extern nint readlink(string path, byte[] buffer, nint size);

    [DllImport("libc", SetLastError = true)]
    private static extern int statx(SafeFileHandle directory, string path, int flags, uint mask, byte[] status);
}
