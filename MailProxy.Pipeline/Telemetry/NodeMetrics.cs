using Prometheus;

namespace MailProxy.Pipeline.Telemetry;

/// <summary>The metrics of nodes that share a store. There are none of them where a store is one process's own.</summary>
public sealed class NodeMetrics
{
    public NodeMetrics(CollectorRegistry registry)
    {
        var make = Metrics.WithCustomRegistry(registry);
        Alive = make.CreateGauge("mailproxy_nodes", "Nodes that share the store and live, as this one sees it.");
        Lanes = make.CreateGauge("mailproxy_node_lanes", "Accounts and pools that this node sends for.");
        Unheld = make.CreateGauge(
            "mailproxy_lanes_without_node",
            "Accounts and pools that no node that lives sends for, as this one sees it; for moments only in health."
        );
        BeatAge = make.CreateGauge(
            "mailproxy_node_beat_age_seconds",
            "Time since this node last saw the others in the database. When it nears Storage:Nodes:TimeToLive it sends nothing any more."
        );
        ProfilesDiffer = make.CreateGauge("mailproxy_node_profiles_differ", "1 while nodes judge replies by different provider profiles.");
        Behind = make.CreateGauge("mailproxy_node_configuration_behind", "1 while this node has yet to read what another has configured.");
    }

    public Gauge Alive { get; }
    public Gauge Lanes { get; }
    public Gauge Unheld { get; }
    public Gauge BeatAge { get; }
    public Gauge ProfilesDiffer { get; }
    public Gauge Behind { get; }
}
