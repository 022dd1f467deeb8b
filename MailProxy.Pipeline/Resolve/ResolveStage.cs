using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Turns a ticket into a mail that can be sent: loads its content and charges it to the memory budget. What cannot be loaded leaves as an outcome.</summary>
internal sealed partial class ResolveStage(
    ChannelReader<DueMail> door,
    IMessageStore store,
    CurrentAccounts accounts,
    ChannelWriter<ResolvedMail> next,
    ChannelWriter<ReportItem> report,
    ByteBudget bodies,
    Func<SmtpAccount, int> sliceSize,
    Attachments attachments,
    ResolveOptions options,
    ILogger logger)
{
    public Task RunAsync(CancellationToken abort) => Stage.ForEach(door, options.Workers, due => HandleAsync(due, abort));

    private async ValueTask HandleAsync(DueMail due, CancellationToken abort)
    {
        Outcome outcome;
        try
        {
            var (mail, refused) = await ResolveAsync(due, abort);
            if (mail is not null)
            {
                await next.WriteAsync(mail, CancellationToken.None);
                return;
            }

            outcome = refused ?? new Outcome.Dropped(due.Ticket);
        }
        catch (OperationCanceledException) when (abort.IsCancellationRequested)
        {
            outcome = new Outcome.Dropped(due.Ticket);
        }
        catch (ChannelClosedException)
        {
            // Send is gone: a bug elsewhere is ending the pipeline, and there is nobody to tell.
            due.Permit.Dispose();
            throw;
        }
        catch (Exception trouble)
        {
            Log.CannotLoad(logger, due.Ticket.Id, trouble);
            outcome = new Outcome.Postponed(due.Ticket, null, $"The message could not be loaded: {trouble.Message}");
        }

        due.Permit.Dispose();
        await report.WriteAsync(outcome, CancellationToken.None);
    }

    private async ValueTask<(ResolvedMail? Mail, Outcome? Refused)> ResolveAsync(DueMail due, CancellationToken abort)
    {
        abort.ThrowIfCancellationRequested();
        if (accounts.Directory.Find(due.Ticket.Account) is not { } account) return default;

        // The limits may have changed since the permit was given: it says how many it is good for.
        var slice = due.Permit.IsAcquired ? Math.Min(sliceSize(account), due.Permit.MaxRecipients) : sliceSize(account);
        if (await store.LoadAsync(due.Ticket, slice) is not { } content) return default;
        if (!due.Permit.IsAcquired) return (null, new Outcome.Unsendable(due.Ticket, content, "5.7.28", $"A limit is reached and mail does not wait for it: {due.Permit.Refusal}."));

        // The JSON and what is rendered from it live side by side until the mail is gone.
        var charge = await bodies.ChargeAsync(2L * content.Json.Length, abort);
        var mail = new ResolvedMail(due, account, content, charge);
        return attachments.Concern(mail) ? await attachments.EquipAsync(mail, abort) : (mail, null);
    }

    private static partial class Log
    {
        [LoggerMessage(401, LogLevel.Error, "Message {Message} could not be loaded; it is deferred")]
        public static partial void CannotLoad(ILogger logger, long message, Exception trouble);
    }
}
