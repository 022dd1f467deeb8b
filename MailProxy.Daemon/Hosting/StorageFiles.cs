using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Daemon.Hosting;

/// <summary>Checks whether the daemon's files are still on disk; a removed spool directory is created again.</summary>
internal sealed partial class StorageFiles(DaemonSettings settings, SpoolFiles spool, ILogger<StorageFiles> logger)
{
    private readonly string _data = Path.GetFullPath(settings.Data);

    /// <summary>What is missing; null when nothing is.</summary>
    public NotReady? Look()
    {
        var database = Path.Combine(_data, "mailproxy.db");

        // SQLite continues to write into a deleted file, and everything written there is lost when the process ends.
        if (!settings.Storage.IsPostgres && !File.Exists(database))
            return new(
                "store_missing",
                $"'{database}' was removed or moved while the program is running: what "
                    + $"it writes now will be lost when it ends. Put it back, or stop the program and restore a backup.",
                "The database file was removed or moved while the program is running. Put it back, or stop the program and restore "
                    + "a backup."
            );
        try
        {
            if (spool.Restore())
                Log.Restored(logger, _data);
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new(
                "spool_missing",
                $"The directory 'spool' in '{_data}' is missing and cannot be created again: {OneLine.Of(error)}",
                "The directory 'spool' of the data directory is missing and cannot be created again; the log says why."
            );
        }
    }

    private static partial class Log
    {
        [LoggerMessage(
            4,
            LogLevel.Error,
            "The directory 'spool' in {Data} was removed and has been created again. Messages whose bodies were in "
                + "it are deferred, and cannot be sent unless the files are put back"
        )]
        public static partial void Restored(ILogger logger, string data);
    }
}
