using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Moves;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite.Counts;
using MailProxy.Pipeline.Storage.Sqlite.Flight;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// The database of a data directory, opened by the only process that may use it: the lock, the writer, the readers, the signal of new
/// events.
/// </summary>
public sealed partial class SqliteDatabase : StoreDatabase
{
    private readonly PipelineHealth _health;
    private readonly ILogger _logger;
    private readonly DataLock _lock;
    private readonly Checkpointer _checkpointer;
    private readonly SqliteSession _session;
    private readonly FlightLog _flights;
    private readonly SqliteReaders _readers;

    private SqliteDatabase(
        string path,
        DataLock dataLock,
        SqliteConnection connection,
        FlightLog flights,
        PipelineHealth health,
        PipelineMetrics metrics,
        ILogger logger,
        TimeSpan backOff
    )
    {
        Path = path;
        (_health, _logger) = (health, logger);
        _lock = dataLock;
        _session = new(connection, Damaged);
        _flights = flights;
        Claims = new(flights);
        Generations = GenerationRows.Read(_session);
        Suppressions = new(_session);
        Traces = new(_session);
        Events = new(_session.LastNumber("events"));
        _readers = new(path, Damaged);
        _checkpointer = new(path, logger);
        Kept = new(_session, path, write => Writer!.WriteAsync(write), Damaged);
        Writer = new(new SqliteTurns(_session, _checkpointer), Kept, Events, health, metrics, logger, backOff);
        Writer.AddHooks(ended: Claims.ChangesOver);
        _checkpointer.Start();
        Writer.Start();
        _ = Kept.CountAsync(); // when that fails, whoever asks counts again
    }

    /// <summary>The database file.</summary>
    public string Path { get; }

    public override StoreGenerations Generations { get; }

    internal override CommitLoop Writer { get; }

    internal override StoreReaders Readers => _readers;

    internal override EventSignal Events { get; }

    internal override IWaitingTally Counts => Kept;

    internal KeptCounts Kept { get; }

    internal override SuppressionRows Suppressions { get; }

    internal override TraceRows Traces { get; }

    internal override Claims Claims { get; }

    internal override PipelineHealth Health => _health;

    /// <summary>
    /// Locks the directory, creates or checks <c>mailproxy.db</c> in it, and migrates its schema. Throws <see
    /// cref="StoreRefusedException"/> when
    /// the directory is in use, or the file is not ours, newer than this program or damaged.
    /// </summary>
    public static SqliteDatabase Open(
        string dataDirectory,
        PipelineHealth health,
        PipelineMetrics metrics,
        ILogger logger,
        TimeSpan? backOff = null
    ) => Open(dataDirectory, health, metrics, logger, backOff ?? TimeSpan.FromSeconds(1), Migrator.Embedded);

    internal static SqliteDatabase Open(
        string dataDirectory,
        PipelineHealth health,
        PipelineMetrics metrics,
        ILogger logger,
        TimeSpan backOff,
        IReadOnlyList<Migration> migrations
    )
    {
        Directory.CreateDirectory(dataDirectory);
        var path = System.IO.Path.Combine(dataDirectory, "mailproxy.db");
        var dataLock = DataLock.Take(dataDirectory);
        SqliteConnection? connection = null;
        FlightLog? flights = null;
        try
        {
            RefuseHalfRestored(dataDirectory);
            MovedNote.RefuseIn(dataDirectory);
            StoreFile.CheckAccess(path);
            if (!File.Exists(path))
                StoreFile.Create(path, migrations);
            StoreFile.Inspect(path);
            connection = OpenChecked(path, migrations);
            flights = FlightStart.Open(dataDirectory, new SqliteSession(connection), logger);
            return new(path, dataLock, connection, flights, health, metrics, logger, backOff);
        }
        catch
        {
            flights?.Dispose();
            connection?.Dispose();
            dataLock.Dispose();
            throw;
        }
    }

    // Older versions of the pages are in the log until it has been checkpointed and restarted.
    internal override void ForgetOld() => _checkpointer.Ask();

    internal override async Task<bool> ReclaimAsync(bool busy)
    {
        if (await FreePages.AreWorthItAsync(Readers, busy))
        {
            await Writer.WriteAsync(session => FreePages.GiveBack(session));
            if (await FreePages.AreWorthItAsync(Readers, busy))
                return true;

            // The file itself becomes shorter when the log is checkpointed into it.
            _checkpointer.Ask();
        }

        return false;
    }

    /// <summary>Writes what was posted, checkpoints the log, closes the database, and releases the directory.</summary>
    public override void Dispose()
    {
        Writer.Dispose();
        Kept.Dispose();
        _checkpointer.Dispose();
        _readers.Dispose();
        _flights.Dispose();
        EndClean();
        _session.Dispose(); // the last connection of a database carries its log back and removes it
        _lock.Dispose();
    }

    // With a store that cannot be written the next start finds the log as it is.
    private void EndClean()
    {
        try
        {
            if (Claims.Marked == 0)
                FlightStart.EndClean(_session);
        }
        catch (SqliteException error)
        {
            Log.NotClean(_logger, StoreTrouble.Describe(error));
        }
    }

    internal static void RefuseHalfRestored(string dataDirectory)
    {
        var draft = System.IO.Path.Combine(dataDirectory, StoreFile.RestoreDraft);
        if (!Directory.Exists(draft))
            return;
        throw new StoreRefusedException(
            $"A restore into '{dataDirectory}' was interrupted. Run it again; or, to go on with what was there before, remove '{draft}'."
        );
    }

    // Called from any thread; the first caller reports the damage.
    private void Damaged(SqliteException fault)
    {
        if (_health.StoreDamage is not null)
            return;
        _health.StoreDamage = StoreTrouble.Describe(fault);
        Log.Damaged(_logger, Path, fault);
    }

    internal static SqliteConnection OpenChecked(string path, IReadOnlyList<Migration> migrations)
    {
        SqliteConnection? connection = null;
        try
        {
            var log = new FileInfo(path + "-wal");
            var isShort = StoreFile.IsShort(path);
            if (isShort && (!log.Exists || log.Length == 0))
                throw StoreFile.Damaged(path, "it is shorter than its own header says, so its end is missing");
            connection = Connections.OpenWriter(path, Checkpointer.StartAt);
            Migrator.Run(connection, path, migrations);
            StoreFile.Probe(connection, path, isShort);
            return connection;
        }
        catch (SqliteException error)
        {
            connection?.Dispose();
            throw StoreTrouble.IsDamage(error)
                ? StoreFile.Damaged(path, error.Message, error)
                : new StoreRefusedException($"'{path}' cannot be opened: {StoreTrouble.Describe(error)}.", error);
        }
        catch
        {
            connection?.Dispose();
            throw;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(704, LogLevel.Warning, "The clean end of this run could not be written: {Reason}")]
        public static partial void NotClean(ILogger logger, string reason);

        [LoggerMessage(
            703,
            LogLevel.Critical,
            "{Path} is damaged. Nothing is taken or sent any more; outcomes of attempts under way are kept while this process "
                + "lives. Stop it and restore the file from a backup, or recover it with SQLite's own tools."
        )]
        public static partial void Damaged(ILogger logger, string path, Exception fault);
    }
}
