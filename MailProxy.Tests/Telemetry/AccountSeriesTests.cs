using MailProxy.Pipeline.Telemetry;
using NUnit.Framework;
using Prometheus;

namespace MailProxy.Tests.Telemetry;

internal sealed class AccountSeriesTests
{
    private static readonly AccountLabel Ours = new("acme", "relay"),
        Theirs = new("other", "relay");

    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly PipelineMetrics _metrics;
    private readonly AccountSeries _series;

    public AccountSeriesTests()
    {
        _metrics = new(_registry);
        _series = new(_metrics);
    }

    [Test]
    public async Task Change_NewAccount_TroubleIsSeenFromZeroOn()
    {
        _series.Change([], [Ours]);

        var page = await PageAsync();
        Assert.That(page, Does.Contain("mailproxy_attempts_total{tenant=\"acme\",account=\"relay\",outcome=\"in_doubt\"} 0\n"));
        Assert.That(page, Does.Contain("mailproxy_messages_closed_total{tenant=\"acme\",account=\"relay\",state=\"ambiguous\"} 0\n"));
        Assert.That(page, Does.Contain("mailproxy_messages_failed_total{tenant=\"acme\",account=\"relay\"} 0\n"));
    }

    [Test]
    public async Task Change_SameIdInTwoTenants_EachHasItsOwnAndOneGoesAlone()
    {
        _series.Change([], [Ours, Theirs]);
        Fill(Ours, 3);
        Fill(Theirs, 5);
        var both = await PageAsync();
        Assert.That(both, Does.Contain("mailproxy_smtp_connections{tenant=\"acme\",account=\"relay\",use=\"idle\"} 3\n"));
        Assert.That(both, Does.Contain("mailproxy_smtp_connections{tenant=\"other\",account=\"relay\",use=\"idle\"} 5\n"));
        Assert.That(both, Does.Contain("mailproxy_permits_refused_total{tenant=\"acme\",account=\"relay\",scope=\"account\"} 3\n"));
        Assert.That(both, Does.Contain("mailproxy_permits_refused_total{tenant=\"other\",account=\"\",scope=\"tenant\"} 5\n"));

        _series.Change([Theirs], []);
        _series.EndTenant("other");

        Assert.That(Of(await PageAsync(), "other"), Is.Empty);
        Assert.That(Of(await PageAsync(), "acme"), Is.EqualTo(Of(both, "acme")).And.Not.Empty);
    }

    [Test]
    public async Task Measure_OnlyAccountsThatAreThere()
    {
        _series.Change([], [Ours, Theirs]);
        _series.Change([Theirs], []);
        _series.Measure(static _ => true);

        Assert.That(
            (await PageAsync()).Split('\n').Where(line => line.StartsWith("mailproxy_account_backing_off{", StringComparison.Ordinal)),
            Is.EqualTo(new[] { "mailproxy_account_backing_off{tenant=\"acme\",account=\"relay\"} 1" })
        );
    }

    // Every series that bears an account.
    private void Fill(AccountLabel label, int times)
    {
        foreach (var counter in new[] { _metrics.Accepted, _metrics.Sent, _metrics.Failed, _metrics.Deferred, _metrics.ConnectionsOpened })
            counter.Of(label).Inc(times);
        foreach (var outcome in PipelineMetrics.AttemptOutcomes)
            _metrics.Attempts.Of(label, outcome).Inc(times);
        foreach (var state in PipelineMetrics.ClosedStates)
            _metrics.Closed.Of(label, state).Inc(times);
        foreach (var use in PipelineMetrics.ConnectionUses)
            _metrics.Connections.Of(label, use).Set(times);
        _metrics.PermitsRefused.Of(label, PipelineMetrics.AccountLimit).Inc(times);
        _metrics.PermitsRefused.Of(label with { Account = "" }, PipelineMetrics.TenantLimit).Inc(times);
        _metrics.BackingOff.Of(label).Set(1);
        _metrics.Reports.WithLabels(label.Tenant, "hook", "ok").Inc(times);
    }

    private static string[] Of(string page, string tenant) => [.. page.Split('\n').Where(line => line.Contains($"tenant=\"{tenant}\""))];

    private async Task<string> PageAsync()
    {
        using var page = new MemoryStream();
        await _registry.CollectAndExportAsTextAsync(page);
        return System.Text.Encoding.UTF8.GetString(page.ToArray());
    }
}
