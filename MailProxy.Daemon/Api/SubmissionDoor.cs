using System.Threading.Channels;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Ingest;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Options;

namespace MailProxy.Daemon.Api;

/// <summary>The way from HTTP to Ingest: bodies within the byte budget, a bounded wait, and then either withdrawn (503, never stored) or taken (awaited however long the commit takes).</summary>
internal sealed class SubmissionDoor(
    ChannelWriter<Submission> door,
    ByteBudget budget,
    IOptions<ApiOptions> options,
    IngestOptions limits,
    FreeDisk freeDisk,
    PipelineHealth health,
    PipelineMetrics metrics,
    TimeProvider clock)
{
    private const int FirstStep = 16 << 10;

    private readonly TimeSpan _takeWait = options.Value.TakeWait;
    private DiskLook _disk = new(long.MaxValue, long.MinValue);

    public long MaxRequestBytes => limits.MaxRequestBytes;

    public Patience NewPatience() => new(limits.DoorWait, clock);

    public ChargedBuffer NewBuffer(Patience patience, CancellationToken gone) => new(budget, patience, gone);

    /// <summary>Why nothing may come in now, before a byte of the body is read; null: come in.</summary>
    public ProblemAnswer? Closed(HttpRequest request)
    {
        if (!health.Running) return Refusals.Stopping;

        // Other trouble passes, and the writer itself finds out when. Damage does not, and a page that can still be written proves nothing.
        if (health.StoreDamage is not null) return StoreFailed();
        if (request.ContentLength > limits.MaxRequestBytes) return Refusals.TooLarge(limits.MaxRequestBytes);
        if (FreeBytes() >= limits.MinFreeBytes) return null;
        metrics.Shed.WithLabels("disk_low").Inc();
        return Refusals.DiskLow;
    }

    /// <summary>Reads the whole body into <paramref name="buffer"/>; a refusal when it is too large or memory is short.</summary>
    public async ValueTask<ProblemAnswer?> ReadAsync(HttpRequest request, ChargedBuffer buffer, CancellationToken gone)
    {
        if (request.ContentLength is { } length)
        {
            if (!await buffer.GrowAsync((int)length)) return Shed();
            while (buffer.Room.Length > 0)
            {
                var read = await request.Body.ReadAsync(buffer.Room, gone);
                if (read == 0) break;
                buffer.Filled(read);
            }

            return null;
        }

        while (true)
        {
            if (buffer.Room.Length == 0 && !await buffer.GrowAsync(NextStep(buffer.Length))) return Shed();
            var read = await request.Body.ReadAsync(buffer.Room, gone);
            if (read == 0) return null;
            buffer.Filled(read);
            if (buffer.Length > limits.MaxRequestBytes) return Refusals.TooLarge(limits.MaxRequestBytes);
        }
    }

    /// <summary>How large a buffer of this many bytes becomes: twice as large, but not beyond the limit and the byte that proves it was passed.</summary>
    public int NextStep(int length) => (int)Math.Min(Math.Max(FirstStep, length * 2L), limits.MaxRequestBytes + 1);

    /// <summary>Hands a submission over and awaits its answer. Null: withdrawn, or never let in.</summary>
    public async ValueTask<SubmissionAnswer?> OfferAsync(Submission submission, Patience patience, CancellationToken gone)
    {
        try
        {
            var handedOver = door.TryWrite(submission)
                || await patience.TryAsync(static (at, cancel) => at.door.WriteAsync(at.submission, cancel), (door, submission), gone);
            if (!handedOver) return null;
        }
        catch (ChannelClosedException)
        {
            return null; // stopping: what comes now is told to come again
        }

        // From here on the client may go: whether the message is stored no longer depends on it.
        try
        {
            return await submission.Answer.WaitAsync(_takeWait, clock, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            if (submission.TryWithdraw()) return null;
        }

        return await submission.Answer;
    }

    /// <summary>The refusal for a submission that was not let in or was withdrawn.</summary>
    public ProblemAnswer Shed()
    {
        if (!health.Running) return Refusals.Stopping;
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

    // Asking the file system costs a system call: once a second is enough for a floor of megabytes.
    private long FreeBytes()
    {
        var now = clock.GetTimestamp();
        var disk = Volatile.Read(ref _disk);
        if (disk.At != long.MinValue && clock.GetElapsedTime(disk.At, now) < TimeSpan.FromSeconds(1)) return disk.Free;
        disk = new(freeDisk(), now);
        Volatile.Write(ref _disk, disk);
        return disk.Free;
    }

    private sealed record DiskLook(long Free, long At);
}
