using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Persist;

/// <summary>Stores nothing, but takes submissions and gives tickets as a store does.</summary>
internal sealed class ScriptedStore : IMessageStore
{
    private readonly SemaphoreSlim _transaction = new(1);
    private long _number;

    public List<IReadOnlyList<AcceptedBatch>> Appends { get; } = [];
    public List<QueuedMail> Released { get; } = [];

    /// <summary>What the next append does instead.</summary>
    public Queue<Exception> Faults { get; } = new();

    /// <summary>Held back until it completes.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    /// <summary>Signals that an append has begun.</summary>
    public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Answers that are not plainly "stored", by submission.</summary>
    public Dictionary<Submission, SubmissionAnswer> Answers { get; } = [];

    public async Task<Appended> AppendAsync(Func<IReadOnlyList<AcceptedBatch>> take)
    {
        await _transaction.WaitAsync();
        try
        {
            return await WriteAsync(take());
        }
        finally
        {
            _transaction.Release();
        }
    }

    private async Task<Appended> WriteAsync(IReadOnlyList<AcceptedBatch> batches)
    {
        Appends.Add([.. batches]);
        Entered.TrySetResult();
        await Gate;
        if (Faults.TryDequeue(out var fault))
            throw fault;

        var answers = new List<SubmissionAnswer?>();
        var tickets = new List<QueuedMail>();
        var later = new List<(LaneKey, long)>();
        var expiry = long.MaxValue;
        foreach (var batch in batches)
        {
            if (!batch.Submission.TryTake())
            {
                answers.Add(null);
                continue;
            }

            var answer = Answers.GetValueOrDefault(batch.Submission) ?? new SubmissionAnswer.Stored([.. batch.Lines.Select(Line)]);
            answers.Add(answer);
            if (answer is not SubmissionAnswer.Stored stored)
                continue;
            for (var i = 0; i < batch.Lines.Count; i++)
            {
                if (stored.Lines[i].Problem is not null || batch.Lines[i].Mail is not { } mail)
                    continue;
                expiry = Math.Min(expiry, mail.ExpiresAt);
                if (mail.SendAt is { } due)
                    later.Add((Lanes.Of(mail.Account), due));
                else
                    tickets.Add(new(++_number, 1, Lanes.Of(mail.Account), mail.Priority, 0, 0, mail.Recipients.Count));
            }
        }

        return new(answers, tickets, later, expiry);
    }

    public void Release(QueuedMail ticket) => Released.Add(ticket);

    public Task<Recovery> RecoverAsync(long now) => throw new NotSupportedException();

    public Task<ClaimedPage> ClaimAsync(LaneKey lane, ClaimRequest request) => throw new NotSupportedException();

    public ValueTask<MailContent?> LoadAsync(QueuedMail ticket, int maxRecipients) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<MailContent?>> LoadTogetherAsync(IReadOnlyList<LoadRequest> wanted) => throw new NotSupportedException();

    public Task<IReadOnlyList<bool>> CommitAsync(IReadOnlyList<Settlement> writes) => throw new NotSupportedException();

    public Task<ChangeResult> ChangeAsync(MessageKey key, MessageChange change, string actor, long now) =>
        throw new NotSupportedException();

    public Task<ExpirySweep> ExpireAsync(long now, int limit) => throw new NotSupportedException();

    private static ReceiptLine Line(AcceptedLine line) =>
        line.Mail is { } mail
            ? new(line.Id, mail.SendAt is null ? MessageState.Queued : MessageState.Scheduled, mail.CreatedAt)
            : new(line.Id, default, 0, line.Problem);
}
