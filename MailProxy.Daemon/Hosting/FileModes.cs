using System.Runtime.InteropServices;
using MailProxy.Pipeline.Disk;

namespace MailProxy.Daemon.Hosting;

/// <summary>Makes the daemon's files accessible to their owner only: new files by the umask of the process, older ones by their
/// mode.</summary>
internal static partial class FileModes
{
    private const uint OthersMayNothing = 0b000_111_111;

    // Key files are not in this list: people put them there, so a wrong mode is reported and not changed.
    private static readonly string[] Ours = ["mailproxy.db", "mailproxy.db-wal", "mailproxy.db-shm", "lock", "spool.pin", "spool", "cache"];

    /// <summary>Sets the umask of the whole process, which applies to SQLite too.</summary>
    public static void OwnerOnly()
    {
        if (!OperatingSystem.IsWindows())
            _ = Umask(OthersMayNothing);
    }

    /// <summary>Removes the access of others to files that an older version, or another umask, left open to them.</summary>
    public static void Tighten(string data, ILogger logger)
    {
        foreach (var name in Ours)
        {
            try
            {
                if (PrivateFiles.Tighten(Path.Combine(data, name)))
                    Log.Changed(logger, Path.Combine(data, name));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                Log.NotChanged(logger, Path.Combine(data, name), error.Message);
            }
        }
    }

    [DllImport("libc", EntryPoint = "umask")]
    private static extern uint Umask(uint mask);

    private static partial class Log
    {
        [LoggerMessage(6, LogLevel.Information, "{Path} was readable by others than its owner; this was changed")]
        public static partial void Changed(ILogger logger, string path);

        [LoggerMessage(7, LogLevel.Warning, "{Path} may be readable by others than its owner, and that could not be changed: {Reason}")]
        public static partial void NotChanged(ILogger logger, string path, string reason);
    }
}
