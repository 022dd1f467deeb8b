using MailProxy.Pipeline.Telemetry;
using Prometheus;

namespace MailProxy.Pipeline.Send;

/// <summary>The metrics of one account's connections.</summary>
internal sealed class ConnectionGauges(PipelineMetrics metrics, AccountLabel label)
{
    private readonly Gauge.Child _busy = metrics.Connections.Of(label, "busy"),
        _idle = metrics.Connections.Of(label, "idle");

    public void Set(int established, int idle)
    {
        _busy.Set(established - idle);
        _idle.Set(idle);
    }
}
