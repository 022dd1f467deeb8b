using System.Text;
using MailProxy.Pipeline.Telemetry;
using Prometheus;

namespace MailProxy.Tests.Docs;

/// <summary>The table of docs/reference/metrics.md: every metric of <see cref="PipelineMetrics"/>.</summary>
internal static class MetricsTable
{
    public static string Metrics()
    {
        var metrics = new PipelineMetrics(Prometheus.Metrics.NewCustomRegistry());
        var text = new StringBuilder("| metric | type | labels | meaning |\n|---|---|---|---|\n");
        var all = typeof(PipelineMetrics).GetProperties().Select(property => property.GetValue(metrics)).OfType<Collector>();
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
