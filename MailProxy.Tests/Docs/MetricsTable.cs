using System.Text;
using MailProxy.Pipeline.Telemetry;
using Prometheus;

namespace MailProxy.Tests.Docs;

/// <summary>The table of docs/reference/metrics.md: all of <see cref="PipelineMetrics"/> and <see cref="NodeMetrics"/>.</summary>
internal static class MetricsTable
{
    public static string Metrics()
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        object[] sets = [new PipelineMetrics(registry), new NodeMetrics(registry)];
        var text = new StringBuilder("| metric | type | labels | meaning |\n|---|---|---|---|\n");
        var all = sets.SelectMany(static set => set.GetType().GetProperties().Select(property => property.GetValue(set)))
            .OfType<Collector>();
        foreach (var metric in all.OrderBy(metric => metric.Name, StringComparer.Ordinal))
        {
            var labels = string.Join(", ", metric.LabelNames.Select(label => $"`{label}`"));
            text.Append($"| `{metric.Name}` | {Kind(metric)} | {(labels.Length > 0 ? labels : "–")} | {metric.Help} |\n");
        }

        return text.ToString();
    }

    private static string Kind(Collector metric) =>
        metric switch
        {
            Counter => "counter",
            Gauge => "gauge",
            Histogram => "histogram",
            _ => throw new ArgumentOutOfRangeException(nameof(metric), metric, null),
        };
}
