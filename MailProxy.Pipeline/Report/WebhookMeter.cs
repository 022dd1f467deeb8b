using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline.Report;

/// <summary>Counts one endpoint's requests and shows how far behind it is. Written by its lane; also read at scrape time.</summary>
internal sealed class WebhookMeter(WebhookEndpoint endpoint, IDeliveryLog log, PipelineMetrics metrics, TimeProvider clock)
{
    private long _oldestAt = long.MaxValue;
    private long _read = endpoint.Progress.Acknowledged;
    private int _waiting;
    private readonly Lock _gate = new();
    private bool _removed;

    public void Count(WebhookResult result) =>
        metrics.Reports.WithLabels(endpoint.Tenant, endpoint.Id, result is WebhookResult.Acknowledged ? "ok" : "failed").Inc();

    /// <param name="oldestAt">When the oldest unacknowledged event that was read happened; null when there is none.</param>
    /// <param name="waiting">Number of events that were read and are not acknowledged.</param>
    public void Keep(long? oldestAt, int waiting, long read)
    {
        Volatile.Write(ref _oldestAt, oldestAt ?? long.MaxValue);
        Volatile.Write(ref _read, read);
        Volatile.Write(ref _waiting, waiting);
        Show();
    }

    public void Show()
    {
        lock (_gate)
        {
            // The lane has ended, perhaps because failures have disabled the endpoint, and a scrape may still know it.
            if (!_removed)
                Set();
        }
    }

    public void Remove()
    {
        lock (_gate)
        {
            _removed = true;
            metrics.ReportLag.RemoveLabelled(endpoint.Tenant, endpoint.Id);
            metrics.ReportBacklog.RemoveLabelled(endpoint.Tenant, endpoint.Id);
        }
    }

    private void Set()
    {
        var late = clock.GetUtcNow().ToUnixTimeMilliseconds() - Volatile.Read(ref _oldestAt);
        metrics.ReportLag.WithLabels(endpoint.Tenant, endpoint.Id).Set(Math.Max(0, late) / 1000d);
        metrics
            .ReportBacklog.WithLabels(endpoint.Tenant, endpoint.Id)
            .Set(Volatile.Read(ref _waiting) + Math.Max(0, log.Last - Volatile.Read(ref _read)));
    }
}
