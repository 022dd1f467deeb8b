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
    ILogger logger
)
{
    /// <summary>
    /// Ends when the channel is completed and empty. Any exception other than that the store is unavailable ends the pipeline, because it
    /// is then
    /// unknown what was stored.
    /// </summary>
    public Task RunAsync() => Task.Run(WorkAsync);

    // Natural batches: waits for one submission, then takes all there are up to the limits of a transaction. Tenants take turns, so that
    // one
    // tenant's thousand submissions do not go before another's single one.
    private async Task WorkAsync()
    {
        var waiting = new TenantQueue<AcceptedBatch>();
        var batches = new List<AcceptedBatch>();
        var smallOnes = false; // small submissions went alone in the last transaction, while large ones waited
        while (waiting.Count > 0 || await input.WaitToReadAsync())
        {
            while (input.TryRead(out var batch))
                waiting.Enqueue(batch.Submission.Tenant, batch);
            batches.Clear();

            // A thousand messages take their time, so small submissions go first; the large ones follow in the next transaction.
            if (!smallOnes)
                Take(waiting, batches, IsSmall);
            smallOnes = batches.Count > 0 && waiting.Count > 0;
            if (!smallOnes)
                Take(waiting, batches, static _ => true);
            if (batches.Count > 0)
                await HandleAsync(batches);
        }
    }

    private void Take(TenantQueue<AcceptedBatch> waiting, List<AcceptedBatch> batches, Predicate<AcceptedBatch> wanted)
    {
        long weight = 0;
        while (batches.Count < options.MaxMails && weight < options.MaxBytes)
        {
            if (!waiting.TryDequeue((_, next) => wanted(next), out var taken))
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

    private async ValueTask HandleAsync(List<AcceptedBatch> batches)
    {
        Appended appended;
        try
        {
            appended = await store.AppendAsync(batches);
        }
        catch (StoreUnavailableException error)
        {
            Refuse(batches);
            Log.Unavailable(logger, batches.Count, error);
            return;
        }

        for (var i = 0; i < batches.Count; i++)
            Answer(batches[i], appended.Answers[i]);
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
                metrics.Accepted.WithLabels(mail.Key.Tenant, accountName(mail.Account)).Inc();
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

    private static partial class Log
    {
        // At Debug, because the store logs its own trouble once, and this would repeat it for every batch.
        [LoggerMessage(200, LogLevel.Debug, "The store cannot write: {Submissions} submissions were answered as unavailable.")]
        public static partial void Unavailable(ILogger logger, int submissions, Exception fault);
    }
}
