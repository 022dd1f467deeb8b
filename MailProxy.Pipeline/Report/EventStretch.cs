using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>A part of the log on its way to one endpoint: reads ahead into its outbox, a page at a time.</summary>
/// <param name="through">Nothing beyond this position.</param>
internal sealed partial class EventStretch(WebhookEndpoint endpoint, IDeliveryLog log, Outbox outbox, long through, TimeProvider clock, ILogger logger)
{
    // Events held in memory for one endpoint: what a slow strand may be ahead of by.
    private const int Ahead = 1000;
    private const int Page = 250;
    private static readonly TimeSpan BetweenReads = TimeSpan.FromSeconds(5);

    private readonly EndpointFilter _filter = new(endpoint);
    private Task _more = Task.CompletedTask;

    public Outbox Outbox => outbox;

    public long Through => through;

    /// <summary>All of it is acknowledged.</summary>
    public bool IsOver => outbox.Read >= through && outbox.Count == 0;

    /// <summary>Completes when there is more to read; null: there is no room, or no more.</summary>
    public Task? More => IsFull || outbox.Read >= through ? null : _more;

    private bool IsFull => outbox.Count >= Math.Max(Ahead, 2 * endpoint.MaxBatch) && outbox.Read >= outbox.Promised;

    public async Task ReadAsync(CancellationToken stop)
    {
        if (More is not { IsCompleted: true }) return;
        try
        {
            if (log.Last > outbox.Read)
            {
                var (events, read) = await log.ReadAsync(endpoint.Tenant, outbox.Read, Page);
                outbox.Add(events.Where(one => one.Position <= through && _filter.Wants(one)), Math.Min(read, through));
            }

            _more = log.WaitBeyondAsync(outbox.Read, stop);
        }
        catch (StoreUnavailableException unavailable)
        {
            Log.Unread(logger, endpoint.Id, unavailable);
            _more = Task.Delay(BetweenReads, clock, stop);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(634, LogLevel.Warning, "The events for webhook {Endpoint} cannot be read now; trying again")]
        public static partial void Unread(ILogger logger, string endpoint, Exception fault);
    }
}
