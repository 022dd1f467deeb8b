using System.Text.Json;
using System.Text.RegularExpressions;
using MailProxy.Tests.Docs;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

/// <summary>The alert rules for Prometheus, the dashboard for Grafana, and the runbook.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed partial class AlertRulesTests
{
    private const string Dashboard = "packaging/grafana/mailproxy.json";

    private static readonly string Folder = Repository.File("packaging/prometheus");
    private static readonly string Rules = File.ReadAllText(Path.Combine(Folder, "alerts.yaml"));

    private static string[] Alerts => [.. AlertName().Matches(Rules).Select(static match => match.Groups[1].Value)];

    [TestCase("check", "alerts.yaml")]
    [TestCase("test", "alerts.test.yaml")]
    public async Task Rules_ByPromtool_AreRight(string what, string file)
    {
        var (exit, output) = await Run.AsIsAsync("promtool", what, "rules", Path.Combine(Folder, file));
        Assert.That(exit, Is.Zero, output);
    }

    [Test]
    public void Alerts_Each_AreTestedAndHaveASectionThatSaysWhatToDo()
    {
        var tests = File.ReadAllText(Path.Combine(Folder, "alerts.test.yaml"));
        var sections = Document
            .All.Single(static document => document.Path == "docs/operate/runbook.md")
            .Text.Split("\n## ")[1..]
            .ToDictionary(static section => section.Split('\n')[0]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Alerts, Has.Length.GreaterThan(10).And.Unique);
            Assert.That(sections.Keys, Is.EquivalentTo(Alerts));
            Assert.That(sections.Values, Has.All.Contain("* **Look:**").And.All.Contain("* **Do:**"));
            Assert.That(
                Runbook().Matches(Rules).Select(static match => match.Groups[1].Value),
                Is.EqualTo(Alerts.Select(static name => name.ToLowerInvariant()))
            );
            foreach (var name in Alerts)
                Assert.That(
                    tests,
                    Does.Match($"alertname: {name}\n +eval_time: \\w+\n +exp_alerts:\n"),
                    $"{name} is never raised in a test"
                );
        }
    }

    [TestCase("packaging/prometheus/alerts.yaml", 12)]
    [TestCase("packaging/prometheus/alerts.test.yaml", 12)]
    [TestCase(Dashboard, 25)]
    public void Metrics_Named_AreThoseThereAre(string file, int least)
    {
        var known = KnownMetric()
            .Matches(File.ReadAllText(Repository.File("docs/reference/metrics.md")))
            .Select(static m => m.Groups[1].Value)
            .ToHashSet();
        var named = Metric().Matches(File.ReadAllText(Repository.File(file))).Select(static m => m.Value).Distinct().ToArray();
        Assert.That(named, Has.Length.GreaterThan(least));
        Assert.That(named.Where(name => !known.Contains(name) && !known.Contains(Suffix().Replace(name, ""))), Is.Empty);
    }

    [Test]
    public async Task Dashboard_Expressions_AreUnderstoodByPrometheus()
    {
        using var directory = new TempDirectory();
        using var json = JsonDocument.Parse(await File.ReadAllTextAsync(Repository.File(Dashboard)));
        var expressions = json
            .RootElement.GetProperty("panels")
            .EnumerateArray()
            .Where(static panel => panel.TryGetProperty("targets", out _))
            .SelectMany(static panel => panel.GetProperty("targets").EnumerateArray())
            .Select(static target => target.GetProperty("expr").GetString()!)
            .ToArray();
        Assert.That(expressions, Has.Length.GreaterThan(25));

        // As rules they are parsed, and nobody has to run.
        var rules = "groups:\n  - name: dashboard\n    rules:\n";
        for (var i = 0; i < expressions.Length; i++)
        {
            var expression = JsonSerializer.Serialize(expressions[i].Replace("$instance", ".*", StringComparison.Ordinal));
            rules += $"      - record: dashboard:{i}\n        expr: {expression}\n";
        }

        var file = Path.Combine(directory, "rules.yaml");
        await File.WriteAllTextAsync(file, rules);
        var (exit, output) = await Run.AsIsAsync("promtool", "check", "rules", file);
        Assert.That(exit, Is.Zero, output);
    }

    [GeneratedRegex("alert: (\\w+)")]
    private static partial Regex AlertName();

    [GeneratedRegex("runbook: docs/operate/runbook\\.md#(\\w+)")]
    private static partial Regex Runbook();

    [GeneratedRegex(@"^\| `(mailproxy_\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex KnownMetric();

    [GeneratedRegex(@"\bmailproxy_\w+")]
    private static partial Regex Metric();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();
}
