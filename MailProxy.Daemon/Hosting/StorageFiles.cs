using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Daemon.Hosting;

/// <summary>Whether what the daemon has on disk is still where it was; a spool that was removed is made again.</summary>
internal sealed partial class StorageFiles(string data, SpoolFiles spool, ILogger<StorageFiles> logger)
{
    private readonly string _database = Path.Combine(data, "mailproxy.db");

    /// <summary>What is missing, or null.</summary>
    public NotReady? Look()
    {
        // SQLite goes on writing into a file without a name, and all of that is gone at the end.
        if (!File.Exists(_database))
            return new(
                "store_missing",
                $"'{_database}' was removed or moved beneath the running program: what "
                    + $"it writes now will be lost when it ends. Put it back, or stop the program and restore a backup.",
                "The database file was removed or moved beneath the running program. Put it back, or stop the program and restore a backup."
            );
        try
        {
            if (spool.Restore())
                Log.Restored(logger, data);
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new(
                "spool_missing",
                $"The directory 'spool' in '{data}' is gone and cannot be made again: {OneLine.Of(error)}",
                "The directory 'spool' of the data directory is gone and cannot be made again; the log says why."
            );
        }
    }

    private static partial class Log
    {
        [LoggerMessage(
            4,
            LogLevel.Error,
            "The directory 'spool' in {Data} was removed; it was made again. Messages whose bodies were in "
                + "it are deferred, and cannot be sent unless the files are put back"
        )]
        public static partial void Restored(ILogger logger, string data);
    }
}
