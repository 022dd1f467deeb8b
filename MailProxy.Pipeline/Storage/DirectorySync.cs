using System.Runtime.InteropServices;

namespace MailProxy.Pipeline.Storage;

/// <summary>Makes a new or renamed file's entry in its directory durable (fsync of the directory); .NET has no call for it.</summary>
internal static class DirectorySync
{
    private const int ReadOnly = 0, InvalidArgument = 22;

    /// <summary>Throws <see cref="IOException"/> when the directory cannot be synced. A file system that does not sync directories counts as done.</summary>
    public static void Sync(string directory)
    {
        if (OperatingSystem.IsWindows()) return;

        var descriptor = Open(directory, ReadOnly);
        if (descriptor < 0) throw new IOException($"The directory {directory} cannot be opened to sync it (error {Marshal.GetLastPInvokeError()}).");
        try
        {
            if (Fsync(descriptor) == 0) return;
            var error = Marshal.GetLastPInvokeError();
            if (error != InvalidArgument) throw new IOException($"The directory {directory} cannot be synced (error {error}).");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static extern int Fsync(int descriptor);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    private static extern int Close(int descriptor);
}
