using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline;

/// <summary>The series of the accounts that are in force: they begin and end with them.</summary>
internal sealed class AccountMetrics : IDisposable
{
    private readonly CurrentAccounts _accounts;
    private readonly PipelineMetrics _metrics;
    private readonly AccountSeries _series;
    private AccountDirectory _seen = AccountDirectory.Empty;

    public AccountMetrics(CurrentAccounts accounts, PipelineMetrics metrics)
    {
        (_accounts, _metrics, _series) = (accounts, metrics, new(metrics));
        foreach (var cause in Circuit.Causes)
            metrics.CircuitsOpened.WithLabels(cause);
        Keep();
        accounts.Changed += Keep;
    }

    /// <summary>Brings the gauges up to date that are read at a scrape.</summary>
    public void Measure(Func<AccountKey, bool> isBackingOff, Func<AccountKey, AdaptedRate?> adaptedOf)
    {
        var directory = _accounts.Directory;
        _series.Measure(label => directory.Find(label.Tenant, label.Account) is { } account && isBackingOff(account.Key));
        _series.MeasureRates(label =>
            directory.Find(label.Tenant, label.Account) is { } account ? adaptedOf(account.Key)?.PerMinute : null
        );
        _series.MeasureSecrets(label => directory.Find(label.Tenant, label.Account)?.SecretExpiresAt);
    }

    /// <summary>Sets how many accounts are in trouble, and how many destinations are slowed.</summary>
    public void Measure(IEnumerable<((CircuitState State, string Cause) Key, int Count)> circuits, int slowed)
    {
        _metrics.DestinationsSlowed.Set(slowed);
        var counts = circuits.ToDictionary(static one => one.Key, static one => one.Count);
        foreach (var cause in Circuit.Causes)
        {
            foreach (var state in (CircuitState[])[CircuitState.Open, CircuitState.HalfOpen])
                _metrics.Circuits.WithLabels(Circuit.States.Of(state), cause).Set(counts.GetValueOrDefault((state, cause)));
        }
    }

    public void Dispose() => _accounts.Changed -= Keep;

    private void Keep()
    {
        var (before, now) = (_seen, _accounts.Directory);
        _seen = now;
        AccountKey[] changed = [.. now.ChangedSince(before)];
        IEnumerable<AccountLabel> Labels(AccountDirectory directory) =>
            changed.Select(directory.Find).OfType<SmtpAccount>().Select(static account => account.Label);
        _series.Change(Labels(before).Except(Labels(now)), Labels(now));
        _series.BeginTokens(
            changed
                .Select(now.Find)
                .OfType<SmtpAccount>()
                .Where(static account => account.OAuth is not null)
                .Select(static account => account.Label)
        );
        foreach (var tenant in before.Tenants.All.Where(tenant => now.Tenants.Find(tenant.Id) is null))
            _series.EndTenant(tenant.Id);
    }
}
