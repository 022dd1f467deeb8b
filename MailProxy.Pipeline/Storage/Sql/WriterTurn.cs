using System.Diagnostics;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>One turn of the writer after the other: the jobs in one transaction, then their promises. On the writer's thread.</summary>
internal sealed class WriterTurn(
    TurnConnection connection,
    EventRows events,
    IWaitingTally counts,
    EventSignal signal,
    PipelineHealth health,
    PipelineMetrics metrics,
    ILogger logger,
    TimeSpan backOff
)
{
    private bool _isProbed,
        _wasTriedAtOnce; // since the last commit

    // Why nobody knows whether the present turn is committed; null: everybody does.
    private Exception? _unsettled;

    public CommitHooks Hooks { get; } = new();

    /// <summary>What the turn writes.</summary>
    public List<WriteJob> Jobs { get; } = [];

    /// <summary>What became of the last turn is known, and another one may begin.</summary>
    public bool IsSettled => _unsettled is null;

    /// <summary>When to try again, Stopwatch time; 0: there is no trouble.</summary>
    public long RetryAt { get; private set; }

    /// <summary>When the last turn was committed, Stopwatch time.</summary>
    public long EndedAt { get; private set; }

    /// <summary>Writes the jobs; or finds out what became of those of the last turn.</summary>
    /// <param name="isLast">The loop ends: what cannot be written now is given up.</param>
    /// <returns>Jobs that must be tried again, in another turn.</returns>
    public IReadOnlyList<WriteJob> Run(bool isLast)
    {
        if (_unsettled is { } unsettled)
            return Settle(unsettled, isLast);
        var begun = Stopwatch.GetTimestamp();
        try
        {
            Write();
        }
        catch (Exception error) when (connection.Trouble(error) is not null)
        {
            return Settle(error, isLast);
        }

        metrics.CommitSeconds.Observe(Stopwatch.GetElapsedTime(begun).TotalSeconds);
        Committed();
        return [];
    }

    private void Write()
    {
        connection.Begin();
        foreach (var job in Jobs)
            job.Run(connection.Session);
        if (Jobs.Count == 0)
            connection.Probe();
        else if (_isProbed)
            connection.EndProbe();
        Hooks.BeforeCommit();
        connection.Commit();
    }

    private void Committed()
    {
        connection.Numbers.Keep();
        counts.Committed();
        Hooks.Ended();
        var rows = 0;
        foreach (var job in Jobs)
            rows += job.Rows;
        if (rows > 0)
            metrics.CommitRows.Observe(rows);
        (_isProbed, _wasTriedAtOnce) = (Jobs.Count == 0, false);
        Recover();
        signal.Publish(connection.Numbers.LastEvent, events.Tenants);
        events.Tenants.Clear();
        foreach (var job in Jobs)
            job.Committed();
        Jobs.Clear();
        EndedAt = Stopwatch.GetTimestamp();
        Hooks.AfterCommit();
        connection.Committed();
    }

    private List<WriteJob> Settle(Exception fault, bool isLast)
    {
        _unsettled = fault;
        Tell(fault);
        switch (connection.Settle())
        {
            case true:
                _unsettled = null;
                Committed();
                return [];
            case null when !isLast:
                return [];
            default:
                _unsettled = null;
                if (connection.IsNew && !_wasTriedAtOnce)
                    (RetryAt, _wasTriedAtOnce) = (Stopwatch.GetTimestamp(), true);
                return Undone(fault, isLast);
        }
    }

    private void Tell(Exception fault)
    {
        var trouble = connection.Trouble(fault)!;
        metrics.CommitFailures.Inc();
        if (health.StoreTrouble is null)
            CommitLog.Trouble(logger, trouble);
        health.StoreTrouble = trouble;
        RetryAt = Stopwatch.GetTimestamp() + (long)(backOff.TotalSeconds * Stopwatch.Frequency);
    }

    private List<WriteJob> Undone(Exception fault, bool isLast)
    {
        connection.Numbers.Forget();
        events.Tenants.Clear();
        counts.RolledBack();
        var why = new StoreUnavailableException($"The store cannot write: {connection.Trouble(fault)}.", fault);
        var again = new List<WriteJob>();
        foreach (var job in Jobs)
        {
            if (!job.RolledBack(why))
                continue;
            if (isLast)
                job.Abandon(why);
            else
                again.Add(job);
        }

        Jobs.Clear();
        Hooks.Ended();
        return again;
    }

    private void Recover()
    {
        if (RetryAt == 0)
            return;
        RetryAt = 0;
        health.StoreTrouble = null;
        CommitLog.Recovered(logger);
    }
}
