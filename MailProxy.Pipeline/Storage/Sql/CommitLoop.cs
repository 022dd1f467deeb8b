using System.Diagnostics;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// All writes go through this loop: one connection on a thread of its own, synchronous. A turn takes everything that has gathered, commits
/// it in one transaction, and then completes the promises. Nothing waits for a timer, so a lone write is committed at once, and many share
/// one sync of the disk.
/// </summary>
internal sealed class CommitLoop : IDisposable
{
    private const string Mistake = "its writer has ended because of a mistake in this program; the process ends too";

    private readonly object _gate = new(); // Monitor's Wait and Pulse need an object; Lock has neither
    private readonly CommitInbox _inbox = new();
    private readonly WriterTurn _turn;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TurnConnection _connection;
    private readonly IWaitingTally _counts;
    private readonly PipelineHealth _health;
    private readonly ILogger _logger;
    private readonly Thread _thread;
    private bool _stopping;
    private TaskCompletionSource? _beat;
    private Exception? _over;

    public CommitLoop(
        TurnConnection connection,
        IWaitingTally counts,
        EventSignal signal,
        PipelineHealth health,
        PipelineMetrics metrics,
        ILogger logger,
        TimeSpan backOff
    )
    {
        (_connection, _counts, _health, _logger) = (connection, counts, health, logger);
        Events = new(connection.Session, connection.Numbers);
        _turn = new(connection, Events, counts, signal, health, metrics, logger, backOff);
        _thread = new(Run) { IsBackground = true, Name = "store writer" };
    }

    /// <summary>
    /// Completes after <see cref="Dispose"/>; faults when the loop ended because of a bug, and the process must then end with a failure.
    /// </summary>
    public Task Completion => _completion.Task;

    /// <summary>Writes to the event log; for use inside a write only.</summary>
    public EventRows Events { get; }

    /// <summary>The writer's prepared statements; for use inside a write only.</summary>
    public Session Session => _connection.Session;

    /// <summary>The numbers that it gives; for use inside a write only.</summary>
    public NumberLine Numbers => _connection.Numbers;

    /// <summary>
    /// Adds a step inside every later turn's transaction, one after every successful commit, and one after every turn whether it was
    /// committed or not; all on the writer's thread.
    /// </summary>
    public void AddHooks(Action? beforeCommit = null, Action? afterCommit = null, Action? ended = null) =>
        _turn.Hooks.Add(beforeCommit, afterCommit, ended);

    public void Start() => _thread.Start();

    /// <summary>
    /// Runs a small write in the next turn, on the writer's thread and inside its transaction (without BEGIN or COMMIT of its own). An
    /// exception that it throws faults the task and undoes only its own work. The task faults with <see
    /// cref="StoreUnavailableException"/> when the store cannot write now.
    /// </summary>
    public Task<T> WriteAsync<T>(Func<Session, T> write)
    {
        var job = new SmallWrite<T>(write, this, _counts);
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

    /// <summary>Whether an exception tells of trouble of the store, and not of a mistake. For the writer's thread.</summary>
    public bool IsTrouble(Exception error) => _connection.Trouble(error) is not null;

    /// <summary>
    /// Writes what has been posted and ends. If the store is in trouble, it tries once and gives up; what was marked is then in doubt at
    /// the next start.
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
            {
                foreach (var job in _turn.Run(Volatile.Read(ref _stopping)))
                    _inbox.Keep(job);
            }

            _completion.TrySetResult();
        }
        catch (Exception error)
        {
            // The last catch of the thread, for the end of this node or a bug of ours. The host is told and exits.
            end = error;
            _health.StoreTrouble = error is NodeDeadException ? error.Message : Mistake;
            if (error is not NodeDeadException)
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
                var idle = _inbox.IsEmpty && _turn.IsSettled;
                if (_turn.RetryAt == 0 || _stopping)
                {
                    if (!idle && !_stopping && _inbox.OutcomesGather(Stopwatch.GetElapsedTime(_turn.EndedAt)) is { } rest)
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
                var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), _turn.RetryAt);
                if (wait <= TimeSpan.Zero)
                    break;
                Monitor.Wait(_gate, wait + TimeSpan.FromMilliseconds(1));
            }

            if (_turn.IsSettled)
                _inbox.TakeTurn(_turn.Jobs);
            return true;
        }
    }

    private void End(Exception why)
    {
        WriteJob[] left;
        lock (_gate)
        {
            _over = why;
            _beat?.TrySetException(why);
            left = [.. _turn.Jobs, .. _inbox.TakeAll()];
            _turn.Jobs.Clear();
        }

        foreach (var job in left)
            job.Abandon(why);
    }
}
