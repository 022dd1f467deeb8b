using System.Threading.Channels;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Options;

namespace MailProxy.Daemon.Api;

/// <summary>
/// The way from HTTP to Ingest: bodies within the byte budget, a bounded wait, and then either withdrawn (503, never stored) or taken
/// (awaited however long the commit takes).
/// </summary>
internal sealed class SubmissionGateway(
    ChannelWriter<Submission> ingest,
    RequestMemory memory,
    SubmissionPlaces places,
    IOptions<ApiOptions> options,
    IngestOptions limits,
    Readiness readiness,
    PipelineHealth health,
    PipelineMetrics metrics,
    TimeProvider clock
)
{
    /// <summary>What a body may have before its first byte came, as far as it says that it is so long.</summary>
    private const int FirstStep = 64 << 10;

    /// <summary>Costs of binding that every request may have.</summary>
    private const int Unnoticed = 64 << 10;

    private readonly TimeSpan _takeWait = options.Value.TakeWait;

    public long MaxRequestBytes => limits.MaxRequestBytes;

    /// <summary>Why nothing may come in now, before a byte of the body is read; null: come in.</summary>
    public ProblemAnswer? Closed(HttpRequest request)
    {
        if (!health.Running)
            return Refusals.Stopping;

        // Other trouble passes, and the writer itself finds out when. Damage does not, and a page that can still be written proves nothing.
        if (health.StoreDamage is not null)
            return StoreFailed();
        if (request.ContentLength > limits.MaxRequestBytes)
            return Refusals.TooLarge(limits.MaxRequestBytes);
        return Disk();
    }

    private ProblemAnswer? Disk()
    {
        if (readiness.Disk() is not [var trouble, ..])
            return null;
        if (trouble.Code != "disk_low")
            return StoreFailed();
        metrics.Shed.WithLabels("disk_low").Inc();
        return Refusals.DiskLow;
    }

    /// <summary>
    /// Reads the whole body into <paramref name="into"/>, whose buffer grows as it is filled; a refusal when it is too large,
    /// or memory or the
    /// disk is short.
    /// </summary>
    public async ValueTask<ProblemAnswer?> ReadAsync(HttpContext http, IncomingBody into)
    {
        var body = memory.NewBody(http);
        var buffer = into.Buffer;
        var length = http.Request.ContentLength ?? limits.MaxRequestBytes + 1; // the byte more proves that the limit was passed
        while (into.Total < length)
        {
            if (buffer.Free.Length == 0 && !await buffer.GrowAsync(NextStep(buffer.Length, buffer.Length + length - into.Total)))
                return Shed();
            var read = await body.ReadAsync(into.Free);
            if (read == 0)
                break;
            if (await FilledAsync(into, read) is { } refusal)
                return refusal;
        }

        into.End();
        return into.Total > limits.MaxRequestBytes ? Refusals.TooLarge(limits.MaxRequestBytes) : null;
    }

    /// <summary>Takes what was read into a body; a refusal when the disk is short.</summary>
    public async ValueTask<ProblemAnswer?> FilledAsync(IncomingBody into, int read)
    {
        var fault = await into.FilledAsync(read);
        if (fault is null)
            return into.Cut is null ? null : Disk();
        return fault == SpoolFault.NoRoom ? Shed() : StoreFailed();
    }

    /// <summary>How large a buffer of this many bytes becomes: twice as large, but not beyond what may come.</summary>
    public static int NextStep(int filled, long most) => (int)Math.Min(Math.Max(FirstStep, filled * 2L), most);

    /// <summary>Charges what binding will take; false: there is no memory for it.</summary>
    public ValueTask<bool> ChargeAsync(ChargedBuffer buffer, long cost) =>
        cost <= Unnoticed ? ValueTask.FromResult(true) : buffer.ChargeAsync(Math.Clamp(memory.MostBeside - buffer.Length, 0, cost));

    /// <summary>Hands a submission over, its files with it, and awaits its answer. Null: withdrawn, or never let in.</summary>
    public async ValueTask<SubmissionAnswer?> OfferAsync(Submission submission, WaitBudget wait, CancellationToken gone)
    {
        IDisposable? place = null;
        try
        {
            place = await places.TakeAsync(submission.Tenant, wait, gone);
        }
        finally
        {
            if (place is null)
                submission.DropFiles();
        }

        if (place is null)
            return null;
        submission.Occupy(place);
        var handedOver = false;
        try
        {
            handedOver =
                ingest.TryWrite(submission)
                || await wait.TryAsync(static (at, cancel) => at.ingest.WriteAsync(at.submission, cancel), (ingest, submission), gone);
            if (!handedOver)
                return null;
        }
        catch (ChannelClosedException)
        {
            return null; // stopping: what comes now is told to come again
        }
        finally
        {
            if (!handedOver)
            {
                submission.DropFiles();
                place.Dispose();
            }
        }

        // From here on the client may go: whether the message is stored no longer depends on it.
        try
        {
            return await submission.Answer.WaitAsync(_takeWait, clock, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            if (submission.TryWithdraw())
                return null;
        }

        return await submission.Answer;
    }

    /// <summary>The refusal for a submission that was not let in or was withdrawn.</summary>
    public ProblemAnswer Shed()
    {
        if (!health.Running)
            return Refusals.Stopping;
        metrics.Shed.WithLabels("door_full").Inc();
        return Refusals.Overloaded;
    }

    /// <summary>Counts what the binder refused and Ingest never saw.</summary>
    public void CountRefused(Problem problem) => metrics.Refused.WithLabels(problem.Code).Inc();

    public ProblemAnswer StoreFailed()
    {
        metrics.Shed.WithLabels("store").Inc();
        return Refusals.StoreUnavailable;
    }
}
