using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Reports the outcome of mails whose attachments cannot be fetched.</summary>
/// <param name="loads">Limits how many mails are loaded at the same time.</param>
internal sealed partial class FetchEnds(
    IMessageStore store,
    CurrentAccounts accounts,
    SharedCapacity loads,
    ChannelWriter<Outcome> report,
    ILogger logger
)
{
    public async ValueTask FailedAsync(QueuedMail ticket, FetchTrouble trouble)
    {
        Outcome outcome;
        try
        {
            // Loaded with all remaining recipients: an attachment that cannot be fetched fails for each of them.
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
        using var turn = await loads.TakeAsync(accounts.Directory.TenantOf(ticket.Lane) ?? "", 1, CancellationToken.None);
        try
        {
            return (await store.LoadAsync(ticket, int.MaxValue))?.Bodiless();
        }
        catch (BodyMissingException error)
        {
            return error.Content?.Bodiless(); // the body is not needed for the report
        }
    }

    private static partial class Log
    {
        [LoggerMessage(413, LogLevel.Error, "Message {Message}, whose attachments cannot be fetched, could not be loaded; it is deferred")]
        public static partial void CannotLoad(ILogger logger, long message, Exception fault);
    }
}
