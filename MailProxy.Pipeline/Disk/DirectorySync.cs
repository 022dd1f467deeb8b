using System.ComponentModel;
using System.Runtime.InteropServices;

namespace MailProxy.Pipeline.Disk;

/// <summary>
/// Makes a new or renamed entry of a directory survive a power cut. .NET cannot open directories, so libc is called.
/// </summary>
internal static class DirectorySync
{
    private const int ReadOnly = 0;

    /// <summary>Throws <see cref="IOException"/> when the disk does not confirm the sync.</summary>
    public static void Flush(string directory)
    {
        // Windows neither needs nor offers this.
        if (OperatingSystem.IsWindows())
            return;

        DiskSteps.Tell(DiskStep.Syncing, directory);
        var handle = Open(directory, ReadOnly);
        if (handle < 0)
            throw Failed(directory);
        try
        {
            if (FSync(handle) < 0)
                throw Failed(directory);
        }
        finally
        {
            _ = Close(handle);
        }

        DiskSteps.Tell(DiskStep.Synced, directory);
    }

    private static IOException Failed(string directory) =>
        new($"The directory '{directory}' cannot be synced: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}.");

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static extern int FSync(int handle);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    private static extern int Close(int handle);
}
