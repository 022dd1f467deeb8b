using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline.Report;

/// <summary>Counts what the Report stage settles. Used by its loop only.</summary>
internal sealed class ReportMeter(PipelineMetrics metrics, CurrentAccounts accounts)
{
    public void Settled(Settlement settlement, MailContent content)
    {
        var ticket = settlement.Ticket;
        var asked = Math.Max(content.CreatedAt, content.SendAt ?? 0);
        if (settlement.Mark is { At: var began } && ticket.Attempt == 0)
            metrics.TimeToFirstAttempt.Observe(Seconds(began - asked));
        if (settlement.State == MessageState.Sent)
        {
            var took = Seconds(settlement.At - asked);
            metrics.TimeToSent.Observe(took);
            metrics.Flow.Sent(settlement.At, took);
        }
        else if (settlement is { Step: QueueStep.Remove, State: MessageState.Failed })
        {
            metrics.Flow.Failed(settlement.At);
        }
        else if (settlement.Step is QueueStep.Again { Due: > 0 })
        {
            metrics.Flow.Deferred(settlement.At);
        }

        // The series of a deleted account were removed with it and must not be made again.
        if (accounts.Directory.Find(content.Account) is not { } account)
            return;
        if (settlement.Step is QueueStep.Remove)
            Ended(settlement.State, account.Label).Inc();
        if (settlement.Step is QueueStep.Again { Due: > 0 })
            metrics.Deferred.Of(account.Label).Inc();
    }

    private static double Seconds(long milliseconds) => Math.Max(0, milliseconds) / 1000d;

    private Prometheus.Counter.Child Ended(MessageState state, AccountLabel account) =>
        state switch
        {
            MessageState.Sent => metrics.Sent.Of(account),
            MessageState.Failed => metrics.Failed.Of(account),
            _ => metrics.Closed.Of(account, state.Name()),
        };
}
