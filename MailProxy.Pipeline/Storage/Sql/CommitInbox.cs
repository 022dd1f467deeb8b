namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// What waits for the writer: outcomes, submissions and other writes, each first in first out, and what a failed turn left. The queues are
/// used under the loop's lock; <see cref="Keep"/> is for the writer's thread. It has no limit of its own: every caller awaits its promise,
/// so the channels of the stages limit it.
/// </summary>
internal sealed class CommitInbox
{
    // These limits keep a turn short, because the next write waits behind it.
    private const int MostOutcomes = 1024;
    private const int OtherWrites = 64;

    /// <summary>Outcomes that are worth a turn of their own.</summary>
    private const int Gathered = 128;

    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(4);

    /// <summary>What a failed turn left, to be tried again before anything else.</summary>
    private readonly List<WriteJob> _kept = [];

    public Queue<WriteJob> Outcomes { get; } = [];

    public Queue<WriteJob> Submissions { get; } = [];

    public Queue<WriteJob> Others { get; } = [];

    public bool IsEmpty => _kept.Count + Outcomes.Count + Submissions.Count + Others.Count == 0;

    /// <summary>How long the outcomes may still gather; null: the turn begins now.</summary>
    /// <remarks>
    /// Nobody waits for an outcome to be on disk (for a mark somebody does), so outcomes alone are written together: when many have come,
    /// or a little after the last turn. When the writer has rested, one is written at once.
    /// </remarks>
    public TimeSpan? OutcomesGather(TimeSpan sinceTurn)
    {
        if (Outcomes.Count == 0 || _kept.Count + Submissions.Count + Others.Count > 0)
            return null;
        var rows = 0;
        foreach (var job in Outcomes)
        {
            if (job.IsAwaited)
                return null;
            rows += job.Rows;
        }

        var rest = Gathering - sinceTurn;
        return rows < Gathered && rest > TimeSpan.Zero ? rest : null;
    }

    public void Keep(WriteJob job) => _kept.Add(job);

    /// <summary>Adds the jobs of the next turn.</summary>
    public void TakeTurn(List<WriteJob> turn)
    {
        turn.AddRange(_kept);
        _kept.Clear();
        Take(Outcomes, MostOutcomes, turn);
        if (Submissions.TryDequeue(out var append))
            turn.Add(append); // it takes as many submissions as belong into one transaction
        Take(Others, OtherWrites, turn);
    }

    /// <summary>Takes everything, in the order in which it would have been written.</summary>
    public WriteJob[] TakeAll()
    {
        WriteJob[] all = [.. _kept, .. Outcomes, .. Submissions, .. Others];
        _kept.Clear();
        Outcomes.Clear();
        Submissions.Clear();
        Others.Clear();
        return all;
    }

    /// <summary>At least one, then as long as the budget lasts.</summary>
    private static void Take(Queue<WriteJob> jobs, int rows, List<WriteJob> turn)
    {
        while (rows > 0 && jobs.TryDequeue(out var job))
        {
            rows -= job.Rows;
            turn.Add(job);
        }
    }
}
