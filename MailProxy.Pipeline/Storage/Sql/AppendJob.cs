using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Stores submissions, each as a whole. Mail that may be sent at once is claimed for the caller before the commit, so that no refill can
/// claim
/// it in between.
/// </summary>
internal sealed class AppendJob(Func<IReadOnlyList<AcceptedBatch>> take, SubmissionWriter writer) : WriteJob
{
    private readonly TaskCompletionSource<Appended> _promise = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly AppendResult _result = new();
    private IReadOnlyList<AcceptedBatch>? _batches;

    public override int Rows => Batches.Sum(static b => b.Lines.Count);

    private IReadOnlyList<AcceptedBatch> Batches => _batches ??= take();

    public Task<Appended> Promise => _promise.Task;

    public override void Run(Session session)
    {
        var known = new KnownBefore(session, Batches);
        foreach (var batch in Batches)
        {
            // Taken as late as possible, because until now the endpoint may withdraw the submission.
            if (batch.Submission.TryTake())
                writer.Write(session, batch, known, _result);
            else
                _result.Refuse(batch, null);
        }
    }

    public override void Committed()
    {
        writer.Stored(_result);
        _promise.TrySetResult(_result.ToAppended());
    }

    public override bool RolledBack(StoreUnavailableException why)
    {
        writer.Undone(_result, Batches);
        _promise.TrySetException(why);
        return false;
    }

    public override void Abandon(Exception why)
    {
        writer.Undone(_result, Batches);
        _promise.TrySetException(StoreUnavailableException.Over(why));
    }
}

/// <summary>The result of an <see cref="AppendJob"/> so far.</summary>
internal sealed class AppendResult
{
    private readonly List<SubmissionAnswer?> _answers = [];
    private readonly Dictionary<LaneKey, long> _later = [];
    private long _nextExpiry = long.MaxValue;

    public List<QueuedMail> Tickets { get; } = [];

    /// <summary>Small mail among the tickets, whose content may be kept until it is sent.</summary>
    public List<(QueuedMail Ticket, AcceptedMail Mail)> Fresh { get; } = [];

    /// <summary>Whether there are suspended batches; null: nobody has looked yet.</summary>
    public bool? MayBeSetAside { get; set; }

    /// <summary>Spool files that no row names after the commit.</summary>
    public List<string> Unused { get; } = [];

    public void Answer(SubmissionAnswer answer) => _answers.Add(answer);

    /// <summary>Records that nothing of the batch was stored.</summary>
    public void Refuse(AcceptedBatch batch, SubmissionAnswer? answer)
    {
        _answers.Add(answer);
        foreach (var line in batch.Lines)
            Drop(line.Mail?.Body.SpoolFile);
    }

    public void Drop(string? spoolFile)
    {
        if (spoolFile is not null)
            Unused.Add(spoolFile);
    }

    /// <summary>Removes the ticket of a line that a later line of the same turn replaced; null when there is none.</summary>
    public QueuedMail? Withdraw(long id)
    {
        var at = Tickets.FindLastIndex(t => t.Id == id);
        if (at < 0)
            return null;
        var ticket = Tickets[at];
        Tickets.RemoveAt(at);
        Fresh.RemoveAll(one => one.Ticket == ticket);
        return ticket;
    }

    public void Expires(long at) => _nextExpiry = Math.Min(_nextExpiry, at);

    public void Later(LaneKey lane, long due) => _later[lane] = Math.Min(due, _later.GetValueOrDefault(lane, long.MaxValue));

    public Appended ToAppended() => new(_answers, Tickets, [.. _later.Select(l => (l.Key, l.Value))], _nextExpiry);
}
