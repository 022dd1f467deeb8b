using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>Reads a part of the event log for one endpoint, ahead of sending, one page at a time.</summary>
/// <param name="through">The last position to read.</param>
internal sealed partial class EventLogReader(
    WebhookEndpoint endpoint,
    IDeliveryLog log,
    IEventQueue queue,
    long through,
    TimeProvider clock,
    ILogger logger
)
{
    private const int Page = 250;
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(5);

    // An endpoint that wants batches gets events gathered for this time: the first event at once, the following ones a little later.
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(20);

    private readonly EndpointFilter _filter = new(endpoint);
    private readonly TimeSpan _gather = endpoint.MaxBatch > 1 ? Gather : TimeSpan.Zero;
    private Task _more = Task.CompletedTask;
    private long? _readAt;

    public long Through => through;

    /// <summary>Whether everything in this part is acknowledged.</summary>
    public bool IsOver => queue.Read >= through && queue.IsEmpty;

    /// <summary>Completes when there is more to read; null when there is no capacity, or nothing more.</summary>
    public Task? More => !queue.HasCapacity || queue.Read >= through ? null : _more;

    public async Task ReadAsync(CancellationToken stop)
    {
        if (More is not { IsCompleted: true })
            return;
        try
        {
            if (log.Last > queue.Read)
            {
                var (events, read) = await log.ReadAsync(endpoint.Tenant, queue.Read, Page);
                var full = events.Count == Page;
                queue.Add(events.Where(one => one.Position <= through && _filter.Wants(one)), Math.Min(read, through));
                _readAt = full ? null : clock.GetTimestamp(); // a full page: more is there already, and is read without gathering
            }

            _more = MoreAsync(queue.Read, stop);
        }
        catch (StoreUnavailableException error)
        {
            Log.Unread(logger, endpoint.Id, error);
            _more = Task.Delay(AfterTrouble, clock, stop);
        }
    }

    private async Task MoreAsync(long position, CancellationToken stop)
    {
        try
        {
            await log.WaitBeyondAsync(position, stop);
        }
        catch (Exception error) when (error is not OperationCanceledException || !stop.IsCancellationRequested)
        {
            Log.Unread(logger, endpoint.Id, error);
            await Task.Delay(AfterTrouble, clock, stop);
        }

        var left = _readAt is { } read ? _gather - clock.GetElapsedTime(read) : TimeSpan.Zero;
        if (left > TimeSpan.Zero)
            await Task.Delay(left, clock, stop);
    }

    private static partial class Log
    {
        [LoggerMessage(634, LogLevel.Warning, "The events for webhook {Endpoint} cannot be read now; trying again")]
        public static partial void Unread(ILogger logger, string endpoint, Exception fault);
    }
}
