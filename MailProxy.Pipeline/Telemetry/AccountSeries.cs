namespace MailProxy.Pipeline.Telemetry;

/// <summary>
/// Keeps the series of accounts in step with the accounts that exist. Series that name trouble begin at 0 with the account, because
/// <c>rate()</c> does not see a series that begins at 1; the series of an account that is gone are removed.
/// </summary>
public sealed class AccountSeries(PipelineMetrics metrics)
{
    private readonly Lock _gate = new();
    private HashSet<AccountLabel> _known = [];
    private HashSet<string> _tenants = [];

    /// <param name="accounts">All accounts that exist.</param>
    /// <param name="tenants">The ids of all tenants that exist.</param>
    public void Keep(IEnumerable<AccountLabel> accounts, IEnumerable<string> tenants)
    {
        lock (_gate)
        {
            var known = accounts.ToHashSet();
            foreach (var label in known)
            {
                if (!_known.Contains(label))
                    Begin(label);
            }

            foreach (var label in _known)
            {
                if (!known.Contains(label))
                    End(label);
            }

            var there = tenants.ToHashSet();
            foreach (var tenant in _tenants)
            {
                if (!there.Contains(tenant))
                    EndTenant(tenant);
            }

            (_known, _tenants) = (known, there);
        }
    }

    /// <summary>Sets the gauge of accounts that back off.</summary>
    public void Measure(Func<AccountLabel, bool> isBackingOff)
    {
        lock (_gate)
        {
            foreach (var label in _known)
                metrics.BackingOff.Of(label).Set(isBackingOff(label) ? 1 : 0);
        }
    }

    private void Begin(AccountLabel label)
    {
        metrics.Failed.Of(label);
        metrics.Attempts.Of(label, "in_doubt");
        metrics.Attempts.Of(label, "account");
        foreach (var state in PipelineMetrics.ClosedStates)
            metrics.Closed.Of(label, state);
    }

    private void EndTenant(string tenant)
    {
        metrics.PermitsRefused.Remove(new AccountLabel(tenant, ""), PipelineMetrics.TenantLimit);
        foreach (var labels in metrics.Reports.GetAllLabelValues().Where(labels => labels[0] == tenant).ToArray())
            metrics.Reports.RemoveLabelled(labels);
    }

    private void End(AccountLabel label)
    {
        metrics.Accepted.Remove(label);
        metrics.Sent.Remove(label);
        metrics.Failed.Remove(label);
        metrics.Deferred.Remove(label);
        metrics.ConnectionsOpened.Remove(label);
        metrics.BackingOff.Remove(label);
        metrics.PermitsRefused.Remove(label, PipelineMetrics.AccountLimit);
        foreach (var state in PipelineMetrics.ClosedStates)
            metrics.Closed.Remove(label, state);
        foreach (var outcome in PipelineMetrics.AttemptOutcomes)
            metrics.Attempts.Remove(label, outcome);
        foreach (var use in PipelineMetrics.ConnectionUses)
            metrics.Connections.Remove(label, use);
    }
}
