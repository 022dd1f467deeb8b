using System.Diagnostics;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sqlite.Counts;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using SQLitePCL;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// All writes go through this loop: one connection on a thread of its own, synchronous, because SQLite is. A turn takes everything that has
/// gathered, commits it in one transaction, and then completes the promises. Nothing waits for a timer, so a lone write is committed at
/// once, and many share one sync of the disk.
/// </summary>
internal sealed partial class CommitLoop : IDisposable
{
    private const string Begin = "BEGIN IMMEDIATE";
    private const string Commit = "COMMIT";

    private readonly object _gate = new(); // Monitor's Wait and Pulse need an object; Lock has neither
    private readonly CommitInbox _inbox = new();
    private readonly List<WriteJob> _turn = [];
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Session _session;
    private readonly KeptCounts _counts;
    private readonly EventSignal _signal;
    private readonly Checkpointer _checkpointer;
    private readonly PipelineHealth _health;
    private readonly PipelineMetrics _metrics;
    private readonly ILogger _logger;
    private readonly TimeSpan _backOff;
    private readonly Thread _thread;
    private readonly CommitHooks _hooks = new();
    private long _retryAt; // Stopwatch time; 0: no trouble
    private long _turned; // when the last turn was committed, Stopwatch time
    private bool _stopping,
        _probed;
    private TaskCompletionSource? _beat;
    private Exception? _over;

    public CommitLoop(
        Session session,
        KeptCounts counts,
        EventSignal signal,
        Checkpointer checkpointer,
        PipelineHealth health,
        PipelineMetrics metrics,
        ILogger logger,
        TimeSpan backOff
    )
    {
        (_session, _counts, _signal, _checkpointer) = (session, counts, signal, checkpointer);
        (_health, _metrics, _logger, _backOff) = (health, metrics, logger, backOff);
        Events = new(session, signal.Last);
        _thread = new(Run) { IsBackground = true, Name = "store writer" };
    }

    /// <summary>
    /// Completes after <see cref="Dispose"/>; faults when the loop ended because of a bug, and the process must then end with a failure.
    /// </summary>
    public Task Completion => _completion.Task;

    /// <summary>Writes to the event log; for use inside a write only.</summary>
    public EventRows Events { get; }

    /// <summary>The writer's prepared statements; for use inside a write only.</summary>
    public Session Session => _session;

    /// <summary>
    /// Adds a step inside every later turn's transaction, one after every successful commit, and one after every turn whether it was
    /// committed or not; all on the writer's thread.
    /// </summary>
    public void AddHooks(Action? beforeCommit = null, Action? afterCommit = null, Action? ended = null) =>
        _hooks.Add(beforeCommit, afterCommit, ended);

    public void Start() => _thread.Start();

    /// <summary>
    /// Runs a small write in the next turn, on the writer's thread and inside its transaction (without BEGIN or COMMIT of its own). An
    /// exception that it throws faults the task and undoes only its own work. The task faults with <see
    /// cref="StoreUnavailableException"/> when the store cannot write now.
    /// </summary>
    public Task<T> WriteAsync<T>(Func<Session, T> write)
    {
        var job = new SmallWrite<T>(write, Events, _counts);
        Post(_inbox.Others, job);
        return job.Promise;
    }

    /// <summary>
    /// Completes when the loop has finished one more turn, whether or not there is something to write, and even while it cannot write.
    /// </summary>
    public Task BeatAsync()
    {
        lock (_gate)
        {
            if (_over is not null)
                return Task.FromException(_over);
            _beat ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            Monitor.Pulse(_gate);
            return _beat.Task;
        }
    }

    /// <summary>Posts settlements, which are written first in every turn, in order of arrival.</summary>
    public void PostOutcomes(WriteJob job) => Post(_inbox.Outcomes, job);

    /// <summary>Posts whole submissions, at most one job a turn.</summary>
    public void PostSubmissions(WriteJob job) => Post(_inbox.Submissions, job);

    /// <summary>
    /// Writes what has been posted and ends. If the store is in trouble, it tries once and gives up; what was marked is then in doubt at
    /// the next
    /// start.
    /// </summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }

        if (_thread.IsAlive)
            _thread.Join();
    }

    private void Post(Queue<WriteJob> inbox, WriteJob job)
    {
        Exception? over;
        lock (_gate)
        {
            over = _over;
            if (over is null)
            {
                inbox.Enqueue(job);
                Monitor.Pulse(_gate);
            }
        }

        if (over is not null)
            job.Abandon(over);
    }

    private void Run()
    {
        Exception end = new ObjectDisposedException(nameof(CommitLoop));
        try
        {
            while (Gather())
                Turn();
            _completion.TrySetResult();
        }
        catch (Exception error)
        {
            // The last catch of the thread, for a bug of ours. The host is told and exits.
            end = error;
            _health.StoreTrouble = "its writer has ended because of a mistake in this program; the process ends too";
            CommitLog.Died(_logger, error);
            _completion.TrySetException(error);
        }

        End(end);
    }

    /// <summary>Waits for something to do; false when the loop must end.</summary>
    private bool Gather()
    {
        lock (_gate)
        {
            while (true)
            {
                _beat?.TrySetResult();
                _beat = null;
                var idle = _inbox.IsEmpty;
                if (_retryAt == 0 || _stopping)
                {
                    if (!idle && !_stopping && _inbox.OutcomesGather(Stopwatch.GetElapsedTime(_turned)) is { } rest)
                    {
                        Monitor.Wait(_gate, rest + TimeSpan.FromMilliseconds(1));
                        continue;
                    }

                    if (!idle)
                        break;
                    if (_stopping)
                        return false;
                    Monitor.Wait(_gate);
                    continue;
                }

                // In trouble: one try per back-off. It also tries with nothing to write, so that the health state recovers.
                var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), _retryAt);
                if (wait <= TimeSpan.Zero)
                    break;
                Monitor.Wait(_gate, wait + TimeSpan.FromMilliseconds(1));
            }

            _inbox.TakeTurn(_turn);
            return true;
        }
    }

    private void Turn()
    {
        var begun = Stopwatch.GetTimestamp();
        try
        {
            _session.Prepare(Begin).Run();
            foreach (var job in _turn)
                job.Run(_session);
            if (_turn.Count == 0)
                StoreProbe.Write(_session);
            else if (_probed)
                StoreProbe.Clean(_session);
            _hooks.BeforeCommit();
            _session.Prepare(Commit).Run();
        }
        catch (SqliteException error) when (StoreTrouble.Passes(error))
        {
            Undo(error);
            _hooks.Ended();
            return;
        }

        _counts.Committed();
        _hooks.Ended();

        var rows = 0;
        foreach (var job in _turn)
            rows += job.Rows;
        _metrics.CommitSeconds.Observe(Stopwatch.GetElapsedTime(begun).TotalSeconds);
        if (rows > 0)
            _metrics.CommitRows.Observe(rows);
        _probed = _turn.Count == 0;
        Recover();
        _signal.Publish(Events.Last, Events.Tenants);
        Events.Tenants.Clear();
        foreach (var job in _turn)
            job.Committed();
        _turn.Clear();
        _turned = Stopwatch.GetTimestamp();
        _hooks.AfterCommit();
        _checkpointer.AfterCommit(_session);
    }

    private void Undo(SqliteException fault)
    {
        // Some errors have already rolled back. A rollback that fails is a bug and ends the loop.
        if (raw.sqlite3_get_autocommit(_session.Connection.Handle) == 0)
            _session.Prepare("ROLLBACK").Run();
        Events.Forget(_signal.Last);
        _counts.RolledBack();

        var trouble = StoreTrouble.Describe(fault);
        _metrics.CommitFailures.Inc();
        if (_health.StoreTrouble is null)
            CommitLog.Trouble(_logger, trouble);
        _health.StoreTrouble = trouble;
        _retryAt = Stopwatch.GetTimestamp() + (long)(_backOff.TotalSeconds * Stopwatch.Frequency);

        var why = new StoreUnavailableException($"The store cannot write: {trouble}.", fault);
        foreach (var job in _turn)
        {
            if (!job.RolledBack(why))
                continue;
            if (Volatile.Read(ref _stopping))
                job.Abandon(why);
            else
                _inbox.Keep(job);
        }

        _turn.Clear();
    }

    private void Recover()
    {
        if (_retryAt == 0)
            return;
        _retryAt = 0;
        _health.StoreTrouble = null;
        CommitLog.Recovered(_logger);
    }

    private void End(Exception why)
    {
        WriteJob[] left;
        lock (_gate)
        {
            _over = why;
            _beat?.TrySetException(why);
            left = [.. _turn, .. _inbox.TakeAll()];
            _turn.Clear();
        }

        foreach (var job in left)
            job.Abandon(why);
    }
}
