using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MailProxy.Pipeline.Storage.Sqlite.Counts;

/// <summary>
/// What waits, kept and not counted: every row that the writer changes is told by <see cref="RowWatch"/>, and what a turn has committed is
/// added to what was counted once. In memory only; a start counts in a snapshot, on a thread of its own, while the daemon is ready already.
/// </summary>
internal sealed class KeptCounts : IWaitingTally, IDisposable
{
    // A turn that changes more is not kept: what waits is counted anew.
    private const int MostSteps = 200_000;

    private readonly record struct Step(LaneKey? Lane, MessageState State, Priority Priority, int By);

    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly Func<Func<Session, bool>, Task<bool>> _write;
    private readonly Action<SqliteException> _damaged;
    private readonly RowWatch _watch;

    // Of the turn under way; only the writer's thread has it.
    private readonly List<Step> _steps = [];
    private WaitingCounts _kept = new();
    private SqliteSession? _snapshot;
    private Thread? _thread;
    private Task? _known;
    private bool _isUnsure;
    private volatile bool _over;

    /// <param name="writer">The connection that writes.</param>
    /// <param name="write">Runs a small write in a turn of the writer's.</param>
    public KeptCounts(SqliteSession writer, string path, Func<Func<Session, bool>, Task<bool>> write, Action<SqliteException> damaged)
    {
        (_path, _write, _damaged) = (path, write, damaged);
        _watch = new(writer);
        _watch.Add("messages", ["state", "priority"], MessageChanged);
        _watch.Add("queue", ["state", "priority", "lane"], QueueChanged);
    }

    /// <summary>How much the turn under way has changed so far. For the writer's thread.</summary>
    public int Position => _steps.Count;

    /// <summary>What was changed since was undone. For the writer's thread.</summary>
    public void Forget(int position) => _steps.RemoveRange(position, _steps.Count - position);

    /// <summary>The turn is committed. For the writer's thread.</summary>
    public void Committed()
    {
        if (_steps.Count == 0)
            return;
        lock (_gate)
        {
            foreach (var step in _steps)
            {
                if (step.Lane is { } lane)
                    _kept.Add(lane, step.Priority, step.By);
                else
                    _kept.Add(step.State, step.Priority, step.By);
            }

            _isUnsure |= _watch.HasMissed;
        }

        RolledBack();
    }

    /// <summary>Nothing of the turn is left. For the writer's thread.</summary>
    public void RolledBack()
    {
        _watch.HasMissed = false;
        _steps.Clear();
    }

    /// <summary>
    /// Everything as of the last commit. Waits while it is counted for the first time; counts once more when that has failed. Throws <see
    /// cref="StoreUnavailableException"/>.
    /// </summary>
    public async Task<WaitingCounts> ReadAsync()
    {
        while (true)
        {
            var known = CountAsync();
            await known;
            var copy = new WaitingCounts();
            lock (_gate)
            {
                if (known != _known)
                    continue; // it is counted anew meanwhile
                copy.Add(_kept);
            }

            return copy;
        }
    }

    /// <summary>Begins to count, unless it is counted or being counted.</summary>
    public Task CountAsync()
    {
        lock (_gate)
        {
            if (_known is null or { IsFaulted: true } || (_isUnsure && _known.IsCompleted))
            {
                _isUnsure = false;
                _known = CountAnewAsync();
            }

            return _known;
        }
    }

    public void Dispose()
    {
        Thread? thread;
        lock (_gate)
        {
            _over = true;
            thread = _thread;
            if (_snapshot is not null)
                raw.sqlite3_interrupt(_snapshot.Connection.Handle);
        }

        if (thread is { IsAlive: true })
            thread.Join();
        EndSnapshot();
    }

    // A snapshot that stays open keeps the log from starting over.
    private void EndSnapshot()
    {
        lock (_gate)
        {
            _snapshot?.Dispose();
            _snapshot = null;
        }
    }

    private async Task CountAnewAsync()
    {
        try
        {
            await CountInSnapshotAsync();
        }
        catch
        {
            EndSnapshot();
            throw;
        }
    }

    private async Task CountInSnapshotAsync()
    {
        // In the middle of a turn: what it has changed so far is not in the snapshot, and is added when it is committed.
        await _write(_ => TakeSnapshot());
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_over)
                throw Closed;
            _thread = new(() => Count(end)) { IsBackground = true, Name = "store counts" };
            _thread.Start();
        }

        await end.Task;
    }

    private bool TakeSnapshot()
    {
        var session = OpenSnapshot();
        lock (_gate)
        {
            _snapshot?.Dispose();
            (_snapshot, _kept) = (session, new());
        }

        return true;
    }

    // Trouble here must not be taken for trouble of the turn.
    private SqliteSession OpenSnapshot()
    {
        SqliteSession? session = null;
        try
        {
            session = new SqliteSession(Connections.OpenReader(_path), _damaged);
            session.Run("BEGIN");
            _ = session.QueryNumber("SELECT count(*) FROM sqlite_schema"); // the snapshot begins with the first row that is read
            return session;
        }
        catch (SqliteException error)
        {
            session?.Dispose();
            throw Uncounted(error);
        }
    }

    private void Count(TaskCompletionSource end)
    {
        try
        {
            var counted = WaitingCounts.In(_snapshot!, StopWhenOver);
            lock (_gate)
            {
                _kept.Add(counted);
            }

            EndSnapshot();
            end.SetResult();
        }
        catch (SqliteException error)
        {
            end.SetException(Uncounted(error));
        }
        catch (Exception error)
        {
            end.SetException(error); // an exception that leaves a thread ends the process
        }
    }

    private void StopWhenOver()
    {
        if (_over)
            throw Closed;
    }

    private static StoreUnavailableException Closed => new("The store is closed.");

    private static StoreUnavailableException Uncounted(SqliteException error) =>
        new($"The waiting mail cannot be counted: {StoreTrouble.Describe(error)}.", error);

    private void MessageChanged(ReadOnlySpan<long> before, ReadOnlySpan<long> after)
    {
        if (before.SequenceEqual(after))
            return;
        Add(before, -1);
        Add(after, 1);

        void Add(ReadOnlySpan<long> row, int by)
        {
            if (!row.IsEmpty && !((MessageState)row[0]).IsFinal())
                Note(new(null, (MessageState)row[0], (Priority)row[1], by));
        }
    }

    private void QueueChanged(ReadOnlySpan<long> before, ReadOnlySpan<long> after)
    {
        if (before.SequenceEqual(after))
            return;
        Add(before, -1);
        Add(after, 1);

        void Add(ReadOnlySpan<long> row, int by)
        {
            if (!row.IsEmpty && row[0] == QueueRows.Ready)
                Note(new(new LaneKey((int)row[2]), default, (Priority)row[1], by));
        }
    }

    private void Note(Step step)
    {
        if (_steps.Count < MostSteps)
            _steps.Add(step);
        else
            _watch.HasMissed = true;
    }
}
