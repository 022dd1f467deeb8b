using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Retain;

/// <summary>
/// Purges what is final, reported and old enough, slice by slice, and returns its space to the disk. Runs after a commit, and when
/// something
/// becomes old enough.
/// </summary>
internal sealed partial class RetainStage(
    IRetentionStore store,
    RetentionRules rules,
    PipelineMetrics metrics,
    TimeProvider clock,
    ILogger logger,
    Func<bool>? isOurs = null
)
{
    // Waits a little after a commit, so that many messages share one turn of the writer.
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(200);

    // The clock is read again after at most this time, because it may step, and the machine may be suspended.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(5);

    private bool _troubled;

    /// <summary>Runs until it is stopped; what is left is purged after the next start.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
                await WaitAsync(await WorkAsync(stop), stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The requested stop.
        }
    }

    /// <summary>Purges everything that is due. Returns when to run again if nothing is committed.</summary>
    private async Task<long> WorkAsync(CancellationToken stop)
    {
        if (isOurs?.Invoke() == false)
            return long.MaxValue; // another node does it; asked again after the longest wait
        try
        {
            PurgeSlice slice;
            do
            {
                stop.ThrowIfCancellationRequested();
                slice = await store.PurgeAsync(rules, Now());
                Count("content", slice.Contents);
                Count("message", slice.Messages);
                Count("event", slice.Events);
            } while (slice.More);

            while (await store.ReclaimAsync(busy: store.Changed.IsCompleted))
                await Task.Delay(Pace, clock, stop);
            if (_troubled)
                Log.Recovered(logger);
            _troubled = false;
            return slice.NextDue;
        }
        catch (Exception error) when (error is not OperationCanceledException || !stop.IsCancellationRequested)
        {
            // The store is unavailable, or a stored row cannot be purged; mail is sent nevertheless.
            if (!_troubled)
                Log.Troubled(logger, error);
            _troubled = true;
            await Task.Delay(error is StoreUnavailableException ? AfterTrouble : LongestWait, clock, stop);
            return 0;
        }
    }

    private async Task WaitAsync(long until, CancellationToken stop)
    {
        while (Now() < until)
        {
            if (store.Changed.IsCompleted)
            {
                await Task.Delay(Pace, clock, stop);
                return;
            }

            var wait = TimeSpan.FromMilliseconds(Math.Min(until - Now(), LongestWait.TotalMilliseconds));
            using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
            await Task.WhenAny(store.Changed, Task.Delay(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, clock, over.Token));
            await over.CancelAsync();
            stop.ThrowIfCancellationRequested();
        }
    }

    private void Count(string what, int count)
    {
        if (count > 0)
            metrics.Purged.WithLabels(what).Inc(count);
    }

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static partial class Log
    {
        // At Debug, because the store logs its own trouble once.
        [LoggerMessage(800, LogLevel.Debug, "Purging is not possible now; trying again")]
        public static partial void Troubled(ILogger logger, Exception fault);

        [LoggerMessage(801, LogLevel.Debug, "Purging continues")]
        public static partial void Recovered(ILogger logger);
    }
}
