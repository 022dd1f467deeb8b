using System.Globalization;
using System.Text;
using System.Text.Json;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

/// <summary>
/// What was read at <c>/metrics</c> of a daemon, the first time in health, and promtool's word on which alerts of
/// <c>packaging/prometheus/alerts.yaml</c> fire for it. Time is simulated, so that no <c>for:</c> is waited for: the first scrape lasts for
/// two hours, the others follow each other minute by minute, and behind the last one gauges stay and counters grow as they did before it.
/// </summary>
internal sealed class RehearsedScrapes
{
    private const int Healthy = 120;
    private const int Afterwards = 100;

    private readonly List<Dictionary<string, double>> _scrapes = [];
    private readonly HashSet<string> _counters = [];
    private double _began;

    /// <summary>Reads once; when nobody answers, that is noted as Prometheus does: <c>up</c> is 0 and nothing else is there.</summary>
    public async Task TakeAsync(HttpClient http) => _scrapes.Add(await ReadAsync(http));

    /// <summary>Reads until the series of this beginning pleases in sum, and keeps that.</summary>
    public async Task TakeAsync(HttpClient http, string series, Func<double, bool> pleases, TimeSpan? within = null)
    {
        var scrape = await ReadAsync(http);
        await Eventually.BecomesAsync(
            async () =>
            {
                scrape = await ReadAsync(http);
                return $"{series} {Sum(scrape, series)}";
            },
            _ => pleases(Sum(scrape, series)),
            within
        );
        _scrapes.Add(scrape);
    }

    /// <summary>Fails unless nothing fires in health, and these alerts and no others so many minutes after the last scrape.</summary>
    public async Task FireAsync(int minutes, params string[] alerts)
    {
        using var directory = new TempDirectory();
        var file = Path.Combine(directory, "rehearsal.yaml");
        await File.WriteAllTextAsync(file, TestFile(Healthy + _scrapes.Count - 2 + minutes, alerts));
        var (exit, output) = await Run.AsIsAsync("promtool", "test", "rules", file);
        Assert.That(exit, Is.Zero, output);
    }

    private static double Sum(Dictionary<string, double> scrape, string series) =>
        scrape.Where(one => one.Key.StartsWith(series, StringComparison.Ordinal)).Sum(static one => one.Value);

    private async Task<Dictionary<string, double>> ReadAsync(HttpClient http)
    {
        string page;
        try
        {
            page = await http.GetStringAsync("/metrics");
        }
        catch (HttpRequestException)
        {
            return new() { ["up{"] = 0 };
        }

        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() / 1000d;
        _began = _began == 0 ? now : _began;
        var scrape = new Dictionary<string, double> { ["up{"] = 1 };
        foreach (var line in page.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(' ') is ["#", "TYPE", var name, "counter" or "histogram"])
                _counters.Add(name);
            if (line[0] == '#')
                continue;
            var end = line.LastIndexOf(' ');
            var value = double.Parse(line[(end + 1)..], CultureInfo.InvariantCulture);
            if (!double.IsFinite(value))
                continue;
            var series = line[..end];
            var label = series.IndexOf('{', StringComparison.Ordinal);
            scrape[label < 0 ? series + "{" : series[..^1] + ","] = value - (IsTime(series) ? _began : 0);
        }

        return scrape;
    }

    // Simulated time begins at 0.
    private static bool IsTime(string series) =>
        series.StartsWith("process_start_time_seconds", StringComparison.Ordinal)
        || series.Contains("_timestamp_seconds", StringComparison.Ordinal);

    private string TestFile(int at, string[] alerts)
    {
        var text = new StringBuilder();
        text.AppendLine($"rule_files: [{JsonSerializer.Serialize(Repository.File("packaging/prometheus/alerts.yaml"))}]");
        text.AppendLine("evaluation_interval: 1m").AppendLine("tests:").AppendLine("  - interval: 1m").AppendLine("    input_series:");
        foreach (var series in _scrapes.SelectMany(static scrape => scrape.Keys).Distinct())
        {
            var name = $"{series}job=\"mailproxy\",instance=\"a\"}}".Replace("'", "''", StringComparison.Ordinal);
            text.AppendLine($"      - series: '{name}'").AppendLine($"        values: '{Values(series)}'");
        }

        text.AppendLine("    promql_expr_test:");
        Expect(text, Healthy - 1, []);
        Expect(text, at, alerts);
        return text.ToString();
    }

    private static void Expect(StringBuilder text, int at, string[] alerts)
    {
        text.AppendLine("      - expr: group by (alertname) (ALERTS{alertstate=\"firing\"})").AppendLine($"        eval_time: {at}m");
        text.AppendLine(alerts.Length == 0 ? "        exp_samples: []" : "        exp_samples:");
        foreach (var alert in alerts)
            text.AppendLine($"          - labels: '{{alertname=\"{alert}\"}}'").AppendLine("            value: 1");
    }

    private string Values(string series)
    {
        var values = _scrapes.ConvertAll(scrape => scrape.TryGetValue(series, out var value) ? value : (double?)null);
        var steps = new List<string> { values[0] is { } healthy ? $"{Text(healthy)}+0x{Healthy - 1}" : $"_x{Healthy}" };
        steps.AddRange(values[1..^1].Select(static value => value is { } there ? Text(there) : "_"));
        if (values[^1] is { } last)
            steps.Add($"{Text(last)}+{Text(Growth(series, values[^2], last))}x{Afterwards}");
        return string.Join(' ', steps);
    }

    // With two scrapes only, the step between them is the fault itself, which is over.
    private double Growth(string series, double? before, double last)
    {
        var name = series[..series.IndexOf('{', StringComparison.Ordinal)];
        var isCounter = _counters.Contains(name) || _counters.Any(counter => name.StartsWith(counter + "_", StringComparison.Ordinal));
        return isCounter && _scrapes.Count > 2 ? Math.Max(0, last - (before ?? last)) : 0;
    }

    private static string Text(double value) => value.ToString("0.##########", CultureInfo.InvariantCulture);
}
