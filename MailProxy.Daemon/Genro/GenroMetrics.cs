using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Telemetry;
using Prometheus;

namespace MailProxy.Daemon.Genro;

/// <summary>The metrics of genro-mail-proxy, made of this program's own at each scrape.</summary>
internal sealed class GenroMetrics
{
    private const string Zero = "default";

    // Version A alone has no tenants.
    private static readonly string[] AllLabels = ["tenant_id", "tenant_name", "account_id", "account_name"],
        OfAccount = ["account_id"];

    private readonly bool _ofAccount;
    private readonly PipelineMetrics _metrics;
    private readonly CurrentTenants _tenants;
    private readonly Counter _sent,
        _errors,
        _deferred,
        _limited;
    private readonly Gauge _pending;

    public GenroMetrics(CollectorRegistry registry, PipelineMetrics metrics, CurrentTenants tenants, GenroOptions options)
    {
        (_metrics, _tenants) = (metrics, tenants);
        _ofAccount = options.Versions == GenroVersions.A;
        var labels = _ofAccount ? OfAccount : AllLabels;
        var by = _ofAccount ? "by account." : "by tenant and account.";
        var make = Metrics.WithCustomRegistry(registry);
        _sent = make.CreateCounter("gmp_sent_total", $"Messages sent, {by}", labels);
        _errors = make.CreateCounter("gmp_errors_total", $"Messages that failed, {by}", labels);
        _deferred = make.CreateCounter("gmp_deferred_total", $"Times messages were deferred, {by}", labels);
        _limited = make.CreateCounter("gmp_rate_limited_total", $"Times a rate limit was reached, {by}", labels);
        _pending = make.CreateGauge("gmp_pending_messages", "Messages that are not sent and have not failed.");
        foreach (var counter in new[] { _sent, _errors, _deferred, _limited })
            counter.WithLabels([.. labels.Select(static _ => Zero)]).IncTo(0);
        registry.AddBeforeCollectCallback(Measure);
    }

    private void Measure()
    {
        var (failed, limited) = (Of(_metrics.Failed), Of(_metrics.PermitsRefused, PipelineMetrics.AccountLimit));
        var deferred = Of(_metrics.Deferred);
        foreach (var (account, count) in limited)
            deferred[account] = deferred.GetValueOrDefault(account) + count;
        Copy(_sent, Of(_metrics.Sent));
        Copy(_errors, failed);
        Copy(_deferred, deferred);
        Copy(_limited, limited);
        _pending.Set(_metrics.QueueDepth.GetAllLabelValues().Sum(labels => _metrics.QueueDepth.WithLabels(labels).Value));
    }

    private string Row(string tenant, string account) => _ofAccount ? account : string.Join('\n', tenant, NameOf(tenant), account, account);

    private string NameOf(string tenant) => (_tenants.Directory.Find(tenant)?.Name ?? tenant).ReplaceLineEndings(" ");

    private static Dictionary<(string Tenant, string Account), double> Of(Counter counter, string? scope = null)
    {
        var values = new Dictionary<(string, string), double>();
        foreach (var labels in counter.GetAllLabelValues())
        {
            if (scope is null || labels[2] == scope)
                values[(labels[0], labels[1])] = counter.WithLabels(labels).Value;
        }

        return values;
    }

    // What is gone there is gone here too; a tenant that is renamed has another row.
    private void Copy(Counter to, Dictionary<(string Tenant, string Account), double> values)
    {
        var there = new HashSet<string>(StringComparer.Ordinal) { string.Join('\n', to.LabelNames.Select(static _ => Zero)) };
        foreach (var rows in values.GroupBy(one => Row(one.Key.Tenant, one.Key.Account)))
        {
            there.Add(rows.Key);
            to.WithLabels(rows.Key.Split('\n')).IncTo(rows.Sum(static one => one.Value));
        }

        foreach (var labels in to.GetAllLabelValues().ToArray())
        {
            if (!there.Contains(string.Join('\n', labels)))
                to.RemoveLabelled(labels);
        }
    }
}
