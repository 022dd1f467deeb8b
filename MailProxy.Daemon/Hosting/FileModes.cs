using System.Runtime.InteropServices;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Hosting;

/// <summary>Everything that the daemon keeps is its owner's only: new files by the process's mask, older ones by their mode.</summary>
internal static partial class FileModes
{
    private const uint OthersMayNothing = 0b000_111_111;

    // Keys are told of and not changed: people put them there.
    private static readonly string[] Ours = ["mailproxy.db", "mailproxy.db-wal", "mailproxy.db-shm", "lock", "spool.pin", "spool", "cache"];

    /// <summary>For the whole process, and for the database's library too.</summary>
    public static void OwnerOnly()
    {
        if (!OperatingSystem.IsWindows())
            _ = Umask(OthersMayNothing);
    }

    /// <summary>What an older version, or another mask, left open to others.</summary>
    public static void Tighten(string data, ILogger logger)
    {
        foreach (var name in Ours)
        {
            try
            {
                if (PrivateFiles.Tighten(Path.Combine(data, name)))
                    Log.Tightened(logger, Path.Combine(data, name));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                Log.Loose(logger, Path.Combine(data, name), error.Message);
            }
        }
    }

    [DllImport("libc", EntryPoint = "umask")]
    private static extern uint Umask(uint mask);

    private static partial class Log
    {
        [LoggerMessage(6, LogLevel.Information, "{Path} could be read by others than its owner; it cannot any more")]
        public static partial void Tightened(ILogger logger, string path);

        [LoggerMessage(7, LogLevel.Warning, "{Path} may be read by others than its owner, and that could not be changed: {Reason}")]
        public static partial void Loose(ILogger logger, string path, string reason);
    }
}
