using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Tells Report of mail whose attachments will not come.</summary>
/// <param name="loads">Mails that are loaded at the same time.</param>
internal sealed partial class FetchEnds(
    IMessageStore store,
    CurrentAccounts accounts,
    SharedCapacity loads,
    ChannelWriter<ReportItem> report,
    ILogger logger
)
{
    public async ValueTask FailedAsync(QueuedMail ticket, FetchTrouble trouble)
    {
        Outcome outcome;
        try
        {
            // With everybody it still goes to: what cannot be had fails for all of them.
            outcome =
                await LoadAsync(ticket) is not { } content ? new Outcome.Dropped(ticket)
                : trouble.Status is { } status ? new Outcome.Unsendable(ticket, content, status, trouble.Message)
                : new Outcome.Postponed(ticket, content, trouble.Message) { BySource = trouble.BySource, RetryAfter = trouble.RetryAfter };
        }
        catch (Exception error)
        {
            Log.CannotLoad(logger, ticket.Id, error);
            outcome = new Outcome.Postponed(ticket, null, trouble.Message);
        }

        await report.WriteAsync(outcome, CancellationToken.None);
    }

    private async ValueTask<MailContent?> LoadAsync(QueuedMail ticket)
    {
        using var turn = await loads.TakeAsync(accounts.Directory.Find(ticket.Account)?.Tenant ?? "", 1, CancellationToken.None);
        try
        {
            return (await store.LoadAsync(ticket, int.MaxValue))?.Bodiless();
        }
        catch (BodyMissingException error)
        {
            return error.Content?.Bodiless(); // it was not needed for this
        }
    }

    private static partial class Log
    {
        [LoggerMessage(413, LogLevel.Error, "Message {Message}, whose attachments cannot be had, could not be loaded; it is deferred")]
        public static partial void CannotLoad(ILogger logger, long message, Exception fault);
    }
}
