using System.Threading.Channels;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Ingest;

/// <summary>The first stage: validates submissions, writes large bodies to spool files, and passes each submission on as a
/// whole.</summary>
internal sealed partial class IngestStage(
    ChannelReader<Submission> input,
    ChannelWriter<AcceptedBatch> next,
    SubmissionRules rules,
    SpoolFiles spool,
    IngestOptions options,
    PipelineMetrics metrics,
    TimeProvider clock,
    TenantShare share,
    ILogger logger
)
{
    /// <summary>
    /// While one worker waits for a spool file to be synced, others validate. A tenant that has half of the workers leaves some for the
    /// next.
    /// </summary>
    private const int Workers = 4;

    // Limit on the mistakes in the answer to one request, and the least number that each message may list nevertheless.
    private const int MostTold = 1_000;
    private const int LeastTold = 5;

    private readonly SubmissionTurns _turns = new(Workers, share);

    // At least as many permits as submissions: a worker that finds nothing it may take waits again, and one that ends looks once more.
    private readonly SemaphoreSlim _arrived = new(0);

    private volatile bool _closed;

    /// <summary>How many workers a tenant's submissions occupy, and the most that they may.</summary>
    public (long Held, long Allowed) ShareOf(string tenant) => _turns.Of(tenant);

    private bool _spoolFails;

    /// <summary>Ends when the channel is completed and empty.</summary>
    public Task RunAsync() => Stage.AllOrFirstFault([ReadAsync(), .. Enumerable.Range(0, Workers).Select(_ => Task.Run(WorkAsync))]);

    // This queue has no limit of its own: every submission holds a slot of the gateway, which counts them per tenant.
    private async Task ReadAsync()
    {
        try
        {
            await foreach (var submission in input.ReadAllAsync())
            {
                _turns.Add(submission);
                _arrived.Release();
            }
        }
        finally
        {
            _closed = true;
            _arrived.Release(Workers);
        }
    }

    private async Task WorkAsync()
    {
        while (true)
        {
            await _arrived.WaitAsync();
            while (_turns.TryTake(out var submission))
            {
                await HandleAsync(submission);
                _turns.Done(submission);
            }

            // A submission that its tenant may not have validated now is taken by the next worker that finishes.
            if (!_closed)
                continue;
            _arrived.Release();
            return;
        }
    }

    private async ValueTask HandleAsync(Submission submission)
    {
        var spooled = new List<string>();
        AcceptedLine[]? lines = null;
        MailSpan? span = null;
        try
        {
            if (submission.IsWithdrawn)
                return;
            span = AcceptSpan.Begin(submission, clock);
            var judged = Judge(submission);
            await SpoolAsync(submission.Drafts, judged, spooled);
            if (submission.Trace is { } trace)
                AcceptSpan.Mark(judged, trace);
            lines = judged;
            if (!Answered(submission, lines))
                await next.WriteAsync(new(submission, lines));
        }
        catch (IOException error)
        {
            GiveUp(submission, spooled);
            if (!Interlocked.Exchange(ref _spoolFails, true))
                Log.DiskFailed(logger, error.Message);
        }
        catch (Exception error)
        {
            // A message never dies in a stage: whatever went wrong affects this submission only.
            GiveUp(submission, spooled);
            Log.Failed(logger, error);
        }
        finally
        {
            AcceptSpan.End(span, lines, clock);
            submission.DropFiles();
        }
    }

    private AcceptedLine[] Judge(Submission submission)
    {
        var now = clock.GetUtcNow();
        var lines = new AcceptedLine[submission.Drafts.Count];
        var told = Math.Clamp(MostTold / Math.Max(1, lines.Length), LeastTold, Mistakes.Told);
        for (var i = 0; i < lines.Length; i++)
        {
            lines[i] = rules.Judge(
                submission.Tenant,
                submission.Drafts[i],
                now.ToUnixTimeMilliseconds(),
                () => Guid.CreateVersion7(now),
                told
            );
            submission.Drafts[i].Spooled?.File.Rest(); // a batch may have more of them than files may be open
        }

        return lines;
    }

    private async ValueTask SpoolAsync(IReadOnlyList<Draft> drafts, AcceptedLine[] lines, List<string> spooled)
    {
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].Mail is not { } mail || (drafts[i].Spooled is null && mail.Body.Size <= options.SpoolThreshold))
                continue;
            var file = drafts[i].Spooled?.File;
            var size = mail.Body.Size + (file?.Length ?? 0);
            var name = await (file?.FinishAsync(mail.Body.Inline) ?? spool.WriteAsync(mail.Body.Inline));
            spooled.Add(name);
            if (Interlocked.Exchange(ref _spoolFails, false))
                Log.DiskWrites(logger);
            lines[i] = lines[i] with { Mail = mail with { Body = new(default, name, size) } };
        }
    }

    // Nothing is stored and no idempotency key is kept, so the answer does not depend on the store and need not wait for it.
    private bool Answered(Submission submission, AcceptedLine[] lines)
    {
        if (submission.Idempotency is not null || Array.Exists(lines, line => line.Mail is not null))
            return false;
        if (!submission.TryTake())
            return true;
        foreach (var line in lines)
            metrics.Refused.WithLabels(line.Problem!.Code).Inc();
        submission.Complete(new SubmissionAnswer.Stored([.. lines.Select(line => new ReceiptLine(line.Id, default, 0, line.Problem))]));
        return true;
    }

    private void GiveUp(Submission submission, List<string> spooled)
    {
        foreach (var name in spooled)
            spool.Delete(name);
        submission.Complete(new SubmissionAnswer.Unavailable("The message could not be taken in."));
    }

    private static partial class Log
    {
        [LoggerMessage(
            100,
            LogLevel.Error,
            "The spool cannot be written; until it can, large messages are answered as unavailable: {Reason}"
        )]
        public static partial void DiskFailed(ILogger logger, string reason);

        [LoggerMessage(102, LogLevel.Information, "The spool can be written again.")]
        public static partial void DiskWrites(ILogger logger);

        [LoggerMessage(101, LogLevel.Error, "A submission failed in Ingest and was answered as unavailable.")]
        public static partial void Failed(ILogger logger, Exception fault);
    }
}
