using System.Threading.Channels;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Persist;

/// <summary>
/// The second stage: writes submissions to disk in natural batches, answers them after the commit, and passes tickets on. It never waits
/// for
/// Schedule. From here on spool files belong to the store, which alone knows when a failed commit can no longer take effect.
/// </summary>
internal sealed partial class PersistStage(
    ChannelReader<AcceptedBatch> input,
    IMessageStore store,
    ChannelWriter<QueuedMail> next,
    Wake wake,
    Action<long> expiryHint,
    PersistOptions options,
    PipelineMetrics metrics,
    Func<AccountKey, string> accountName,
    TimeProvider clock,
    ILogger logger
)
{
    // Used by the store while it takes, and between: never at the same time.
    private readonly TenantQueue<AcceptedBatch> _waiting = new();
    private bool _smallOnes; // small submissions went alone in the last transaction, while large ones waited

    /// <summary>
    /// Ends when the channel is completed and empty. Any exception other than that the store is unavailable ends the pipeline, because it
    /// is then
    /// unknown what was stored.
    /// </summary>
    public Task RunAsync() => Task.Run(WorkAsync);

    // Natural batches: asks the store for a transaction as soon as there is a submission, and what has gathered when it begins goes into
    // it. While it is under way the next gathers.
    private async Task WorkAsync()
    {
        var answering = Task.CompletedTask;
        while (_waiting.Count > 0 || await input.WaitToReadAsync())
        {
            var turn = new Turn(TakeTurn, MailSpans.IsOn ? clock.GetUtcNow() : default);
            var appended = AppendAsync(turn);
            await Task.WhenAny(turn.Taken, appended);
            await answering; // the transaction before is over
            answering = AnswerAsync(turn, appended);
        }

        await answering;
    }

    private async Task<Appended> AppendAsync(Turn turn) => await store.AppendAsync(turn.Take);

    // Tenants take turns, so that one tenant's thousand submissions do not go before another's single one.
    private List<AcceptedBatch> TakeTurn()
    {
        while (input.TryRead(out var batch))
            _waiting.Enqueue(batch.Submission.Tenant, batch);

        // A thousand messages take their time, so small submissions go first; the large ones follow in the next transaction.
        var batches = new List<AcceptedBatch>();
        if (!_smallOnes)
            Take(batches, IsSmall);
        _smallOnes = batches.Count > 0 && _waiting.Count > 0;
        if (!_smallOnes)
            Take(batches, static _ => true);
        return batches;
    }

    private void Take(List<AcceptedBatch> batches, Predicate<AcceptedBatch> wanted)
    {
        long weight = 0;
        while (batches.Count < options.MaxMails && weight < options.MaxBytes)
        {
            if (!_waiting.TryDequeue((_, next) => wanted(next), out var taken))
                return;
            batches.Add(taken);
            weight += Weigh(taken);
        }
    }

    private bool IsSmall(AcceptedBatch batch) => Weigh(batch) <= options.MaxBytes / 4;

    // One weight for both limits: bytes, where a mail weighs at least an equal share of the transaction.
    private long Weigh(AcceptedBatch batch)
    {
        var share = options.MaxBytes / options.MaxMails;
        long weight = 0;
        foreach (var line in batch.Lines)
            weight += Math.Max(share, line.Mail?.Body.Inline.Length ?? 0);
        return weight;
    }

    private async Task AnswerAsync(Turn turn, Task<Appended> writing)
    {
        Appended appended;
        var batches = turn.Batches;
        try
        {
            appended = await writing;
        }
        catch (StoreUnavailableException error)
        {
            Refuse(batches);
            PersistSpans.Tell(batches, turn.Began, isStored: false, clock);
            Log.Unavailable(logger, batches.Count, error);
            return;
        }

        for (var i = 0; i < batches.Count; i++)
            Answer(batches[i], appended.Answers[i]);
        PersistSpans.Tell(batches, turn.Began, isStored: true, clock);
        Pass(appended);
    }

    private void Refuse(List<AcceptedBatch> batches)
    {
        foreach (var batch in batches)
            batch.Submission.Complete(new SubmissionAnswer.Unavailable("The store cannot write now."));
    }

    // A null answer means that the submission was withdrawn before it was taken, so nobody waits for its answer.
    private void Answer(AcceptedBatch batch, SubmissionAnswer? answer)
    {
        if (answer is null)
            return;
        batch.Submission.Complete(answer);
        if (answer is not SubmissionAnswer.Stored stored)
            return;
        for (var i = 0; i < stored.Lines.Count; i++)
        {
            if (stored.Lines[i].Problem is { } problem)
                metrics.Refused.WithLabels(problem.Code).Inc();
            else if (batch.Lines[i].Mail is { } mail)
            {
                metrics.Accepted.WithLabels(mail.Key.Tenant, accountName(mail.Account)).Inc();
                metrics.Flow.Accepted(mail.CreatedAt, 1);
            }
        }
    }

    // A ticket that does not fit into the channel stays on disk, and its lane is told that the disk has more.
    private void Pass(Appended appended)
    {
        foreach (var ticket in appended.Tickets)
        {
            if (next.TryWrite(ticket))
                continue;
            store.Release(ticket);
            wake.Due(ticket.Lane, ticket.Due);
        }

        foreach (var (lane, due) in appended.Later)
            wake.Due(lane, due);
        if (appended.NextExpiry != long.MaxValue)
            expiryHint(appended.NextExpiry);
    }

    /// <summary>What goes into one transaction: it is chosen when that begins.</summary>
    private sealed class Turn(Func<List<AcceptedBatch>> take, DateTimeOffset began)
    {
        /// <summary>Default: nobody wants to know.</summary>
        public DateTimeOffset Began => began;

        private readonly TaskCompletionSource _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private List<AcceptedBatch>? _batches;

        public Task Taken => _taken.Task;

        /// <summary>What the store has taken, or would have.</summary>
        public List<AcceptedBatch> Batches => _batches ??= take();

        public IReadOnlyList<AcceptedBatch> Take()
        {
            var batches = Batches;
            _taken.TrySetResult();
            return batches;
        }
    }

    private static partial class Log
    {
        // At Debug, because the store logs its own trouble once, and this would repeat it for every batch.
        [LoggerMessage(200, LogLevel.Debug, "The store cannot write: {Submissions} submissions were answered as unavailable.")]
        public static partial void Unavailable(ILogger logger, int submissions, Exception fault);
    }
}
