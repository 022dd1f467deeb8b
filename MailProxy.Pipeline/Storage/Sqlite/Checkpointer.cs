using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using SQLitePCL;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// Checkpoints the write-ahead log into the database, on a thread and a connection of its own: on the writer's thread it made every tenth
/// commit wait for two syncs and thousands of page writes.
/// </summary>
/// <remarks>
/// SQLite restarts the log at its beginning only when all of it has been checkpointed and no reader needs it. Beside a busy writer that
/// never
/// happens by itself, because new frames are added while the bulk is checkpointed. So the work is done in two steps: this thread
/// checkpoints
/// the bulk (PASSIVE, which blocks nobody); then the writer, between two turns, checkpoints the short tail, and its next commit restarts
/// the
/// log. journal_size_limit equals <see cref="StartAt"/>, so that a restarted log is truncated to that length; a longer file therefore
/// means a
/// longer log.
/// </remarks>
internal sealed partial class Checkpointer : IDisposable
{
    /// <summary>Bytes of log after which it is checkpointed.</summary>
    public const long StartAt = 16 << 20;

    /// <summary>Bytes of log beyond which the writer itself waits for the readers, so that the log cannot fill the disk.</summary>
    public const long Bound = 256 << 20;

    private readonly object _gate = new();
    private readonly FileInfo _log;
    private readonly SqliteConnection _connection;
    private readonly ILogger _logger;
    private readonly Thread _thread;
    private long _nextAt = StartAt;
    private bool _wanted,
        _stopping;
    private volatile bool _bulkDone;

    public Checkpointer(string path, ILogger logger)
    {
        _log = new(path + "-wal");
        _logger = logger;
        _connection = Connections.OpenPlain(path);
        Connections.Execute(_connection, "PRAGMA synchronous=FULL; PRAGMA busy_timeout=0; PRAGMA wal_autocheckpoint=0;");
        _thread = new(Run) { IsBackground = true, Name = "store checkpointer" };
    }

    public void Start() => _thread.Start();

    /// <summary>Called by the writer between two turns.</summary>
    public void AfterCommit(SqliteSession writer)
    {
        if (_bulkDone)
        {
            _bulkDone = false;
            Carry(writer.Connection, raw.SQLITE_CHECKPOINT_PASSIVE);
            return;
        }

        _log.Refresh();
        var length = _log.Exists ? _log.Length : 0;
        if (length <= StartAt)
            _nextAt = StartAt;
        if (length <= _nextAt)
            return;

        // The next checkpoint waits until the log has grown by as much again: a reader may still need the end of the log, and asking at
        // every turn
        // would not change that.
        _nextAt = length + StartAt;
        if (length > Bound)
        {
            // RESTART waits for the readers (busy_timeout) and keeps new ones from using the log.
            Carry(writer.Connection, raw.SQLITE_CHECKPOINT_RESTART);
            return;
        }

        Ask();
    }

    /// <summary>Requests a checkpoint soon, however short the log is. Callable from any thread.</summary>
    public void Ask()
    {
        lock (_gate)
        {
            _wanted = true;
            Monitor.Pulse(_gate);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.Pulse(_gate);
        }

        if (_thread.IsAlive)
            _thread.Join();
        _connection.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            lock (_gate)
            {
                while (!_wanted && !_stopping)
                    Monitor.Wait(_gate);
                if (_stopping)
                    return;
                _wanted = false;
            }

            Carry(_connection, raw.SQLITE_CHECKPOINT_PASSIVE);
            _bulkDone = true;
        }
    }

    private void Carry(SqliteConnection connection, int mode)
    {
        // BUSY is not a failure: what a reader still needs is checkpointed next time. After any other failure the log only grows; when it
        // can no
        // longer grow either, the writer's commit fails and reports that.
        var result = raw.sqlite3_wal_checkpoint_v2(connection.Handle, "main", mode, out _, out _);
        if (result is not (raw.SQLITE_OK or raw.SQLITE_BUSY or raw.SQLITE_LOCKED))
            Log.Failed(_logger, result);
    }

    private static partial class Log
    {
        [LoggerMessage(
            710,
            LogLevel.Warning,
            "The store's log could not be checkpointed into the database (SQLite {Result}); it is tried again when the log has grown."
        )]
        public static partial void Failed(ILogger logger, int result);
    }
}
