using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline;

/// <summary>The series of the accounts that are in force: they begin and end with them.</summary>
internal sealed class AccountMetrics : IDisposable
{
    private readonly CurrentAccounts _accounts;
    private readonly AccountSeries _series;
    private AccountDirectory _seen = AccountDirectory.Empty;

    public AccountMetrics(CurrentAccounts accounts, PipelineMetrics metrics)
    {
        (_accounts, _series) = (accounts, new(metrics));
        Keep();
        accounts.Changed += Keep;
    }

    /// <summary>Brings the gauges up to date that are read at a scrape.</summary>
    public void Measure(Func<AccountKey, bool> isBackingOff)
    {
        var directory = _accounts.Directory;
        _series.Measure(label => directory.Find(label.Tenant, label.Account) is { } account && isBackingOff(account.Key));
        _series.MeasureSecrets(label => directory.Find(label.Tenant, label.Account)?.SecretExpiresAt);
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
        foreach (var tenant in before.Tenants.All.Where(tenant => now.Tenants.Find(tenant.Id) is null))
            _series.EndTenant(tenant.Id);
    }
}
