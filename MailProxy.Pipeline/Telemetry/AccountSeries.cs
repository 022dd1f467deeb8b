namespace MailProxy.Pipeline.Telemetry;

/// <summary>
/// Keeps the series of accounts in step with the accounts that exist. Series that name trouble begin at 0 with the account, because
/// <c>rate()</c> does not see a series that begins at 1; the series of an account that is gone are removed.
/// </summary>
public sealed class AccountSeries(PipelineMetrics metrics)
{
    private readonly Lock _gate = new();
    private readonly HashSet<AccountLabel> _known = [];

    /// <param name="gone">Accounts that do not exist any more.</param>
    /// <param name="there">Accounts that exist, new ones among them.</param>
    public void Change(IEnumerable<AccountLabel> gone, IEnumerable<AccountLabel> there)
    {
        lock (_gate)
        {
            foreach (var label in gone)
            {
                if (_known.Remove(label))
                    End(label);
            }

            foreach (var label in there)
            {
                if (_known.Add(label))
                    Begin(label);
            }
        }
    }

    /// <param name="there">Accounts that log in with tokens.</param>
    public void BeginTokens(IEnumerable<AccountLabel> there)
    {
        lock (_gate)
        {
            foreach (var label in there)
                metrics.TokenRequests.Of(label, "refused");
        }
    }

    /// <summary>A tenant does not exist any more.</summary>
    public void EndTenant(string tenant)
    {
        lock (_gate)
        {
            metrics.PermitsRefused.Remove(new AccountLabel(tenant, ""), PipelineMetrics.TenantLimit);
            foreach (var labels in metrics.Reports.GetAllLabelValues().Where(labels => labels[0] == tenant).ToArray())
                metrics.Reports.RemoveLabelled(labels);
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

    /// <summary>Sets the gauge of when secrets end; null: no end is known.</summary>
    public void MeasureSecrets(Func<AccountLabel, long?> endOf)
    {
        lock (_gate)
        {
            foreach (var label in _known)
            {
                if (endOf(label) is { } end)
                    metrics.SecretEnds.Of(label).Set(end / 1000.0);
                else
                    metrics.SecretEnds.Remove(label);
            }
        }
    }

    /// <summary>Sets the gauge of rates that providers asked for; null: it is as configured.</summary>
    public void MeasureRates(Func<AccountLabel, double?> rateOf)
    {
        lock (_gate)
        {
            foreach (var label in _known)
            {
                if (rateOf(label) is { } rate)
                    metrics.AdaptedRate.Of(label).Set(rate);
                else
                    metrics.AdaptedRate.Remove(label);
            }
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

    private void End(AccountLabel label)
    {
        metrics.Accepted.Remove(label);
        metrics.Sent.Remove(label);
        metrics.Failed.Remove(label);
        metrics.Deferred.Remove(label);
        metrics.ConnectionsOpened.Remove(label);
        metrics.BackingOff.Remove(label);
        metrics.SecretEnds.Remove(label);
        metrics.AdaptedRate.Remove(label);
        metrics.PermitsRefused.Remove(label, PipelineMetrics.AccountLimit);
        foreach (var state in PipelineMetrics.ClosedStates)
            metrics.Closed.Remove(label, state);
        foreach (var outcome in PipelineMetrics.AttemptOutcomes)
            metrics.Attempts.Remove(label, outcome);
        foreach (var result in PipelineMetrics.TokenResults)
            metrics.TokenRequests.Remove(label, result);
        foreach (var use in PipelineMetrics.ConnectionUses)
            metrics.Connections.Remove(label, use);
    }
}
