using System.Globalization;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline.Report;

/// <summary>Counts what the Report stage settles. Used by its loop only.</summary>
internal sealed class ReportMeter(PipelineMetrics metrics, CurrentAccounts accounts)
{
    public void Settled(Settlement settlement, MailContent content)
    {
        var (ticket, tenant) = (settlement.Ticket, content.Key.Tenant);
        var account = accounts.Directory.Find(content.Account)?.Id ?? content.Account.Number.ToString(CultureInfo.InvariantCulture);
        var asked = Math.Max(content.CreatedAt, content.SendAt ?? 0);
        if (settlement.Mark is { At: var began } && ticket.Attempt == 0)
            metrics.TimeToFirstAttempt.Observe(Seconds(began - asked));
        if (settlement.State == MessageState.Sent)
            metrics.TimeToSent.Observe(Seconds(settlement.At - asked));
        if (settlement.Step is QueueStep.Remove)
            Ended(settlement.State, tenant, account).Inc();
        if (settlement.Step is QueueStep.Again { Due: > 0 })
            metrics.Deferred.WithLabels(tenant, account).Inc();
    }

    private static double Seconds(long milliseconds) => Math.Max(0, milliseconds) / 1000d;

    private Prometheus.Counter.Child Ended(MessageState state, string tenant, string account) =>
        state switch
        {
            MessageState.Sent => metrics.Sent.WithLabels(tenant, account),
            MessageState.Failed => metrics.Failed.WithLabels(tenant, account),
            _ => metrics.Closed.WithLabels(tenant, account, state.Name()),
        };
}
