using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Turns a ticket into a mail that can be sent: loads its content and charges it to the memory for bodies. What cannot be loaded leaves as
/// an outcome. Each mail waits for itself, with nothing in hand, so that one tenant's large mail holds up nobody else's.
/// </summary>
/// <param name="loads">Mails that are loaded at the same time.</param>
internal sealed partial class ResolveStage(
    ChannelReader<DueMail> input,
    IMessageStore store,
    CurrentAccounts accounts,
    ChannelWriter<ResolvedMail> next,
    ChannelWriter<ReportItem> report,
    SharedCapacity loads,
    BodyMemory bodies,
    Func<SmtpAccount, int> sliceSize,
    Attachments attachments,
    ILogger logger
)
{
    /// <summary>Bounded by the mails that Schedule lets be on their way.</summary>
    /// <param name="stop">Begin no mail any more: what is chosen already, or waits for memory, stays in the queue.</param>
    public Task RunAsync(CancellationToken stop) => Stage.ForEachApart(input, due => HandleAsync(due, stop));

    private async Task HandleAsync(DueMail due, CancellationToken stop)
    {
        Outcome outcome;
        try
        {
            var (mail, refused) = await ResolveAsync(due, stop);
            if (mail is not null)
            {
                await next.WriteAsync(mail, CancellationToken.None);
                return;
            }

            outcome = refused ?? new Outcome.Dropped(due.Ticket);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            outcome = new Outcome.Dropped(due.Ticket);
        }
        catch (ChannelClosedException)
        {
            // Send is gone: a bug elsewhere is ending the pipeline, and there is nobody to tell.
            due.Permit.Dispose();
            throw;
        }
        catch (BodyMissingException error)
        {
            var content = error.Content!;
            if (due.Ticket.Attempt == content.Standing.Attempts)
                Log.BodyMissing(logger, content.Key.Tenant, content.Key.Id, error.Message);
            outcome = new Outcome.Postponed(due.Ticket, content, error.Message);
        }
        catch (Exception error)
        {
            Log.CannotLoad(logger, due.Ticket.Id, error);
            outcome = new Outcome.Postponed(due.Ticket, null, $"The message could not be loaded: {error.Message}");
        }

        due.Permit.Dispose();
        await report.WriteAsync(outcome, CancellationToken.None);
    }

    private async ValueTask<(ResolvedMail? Mail, Outcome? Refused)> ResolveAsync(DueMail due, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        if (accounts.Directory.Find(due.Ticket.Account) is not { } account)
            return default;
        var loaded = await LoadAsync(due, account, null, stop);

        // Not with the body in hand: whoever waits for capacity has none of it, and loads it again.
        if (loaded.Missing > 0)
            loaded = await LoadAsync(due, account, await bodies.TakeAsync(account.Tenant, loaded.Missing, stop), stop);
        return (loaded.Mail, loaded.Refused);
    }

    /// <summary>Missing: there is no capacity for so many bytes now.</summary>
    private async ValueTask<(ResolvedMail? Mail, Outcome? Refused, long Missing)> LoadAsync(
        DueMail due,
        SmtpAccount account,
        IDisposable? charge,
        CancellationToken stop
    )
    {
        try
        {
            using var turn = await loads.TakeAsync(account.Tenant, 1, stop);

            // The limits may have changed since the permit was given: it says how many it is good for.
            var slice = due.Permit.IsAcquired ? Math.Min(sliceSize(account), due.Permit.MaxRecipients) : sliceSize(account);
            if (await store.LoadAsync(due.Ticket, slice) is not { } content)
            {
                charge?.Dispose();
                return default;
            }

            if (!due.Permit.IsAcquired)
            {
                charge?.Dispose();
                return (null, Refused(due, content), 0);
            }

            // The JSON and what is rendered from it live side by side until the mail is gone.
            var bytes = 2L * content.Json.Length;
            charge ??= bodies.TryTake(account.Tenant, bytes);
            if (charge is null)
                return (null, null, bytes);

            var mail = new ResolvedMail(due, account, content, charge);
            charge = null; // the mail's from here on
            if (!attachments.NeedsWork(mail))
                return (mail, null, 0);
            var (equipped, refused) = await attachments.EquipAsync(mail, stop);
            return (equipped, refused, 0);
        }
        catch
        {
            charge?.Dispose();
            throw;
        }
    }

    private static Outcome.Unsendable Refused(DueMail due, MailContent content) =>
        new(due.Ticket, content.Bodiless(), "5.7.28", $"A limit is reached and mail does not wait for it: {due.Permit.Refusal}.");

    private static partial class Log
    {
        // Once for a message: it is looked for again at every step of the schedule.
        [LoggerMessage(
            400,
            LogLevel.Error,
            "Message {Tenant}/{Message} is deferred: {Reason} Put the file back from a backup, or cancel the message"
        )]
        public static partial void BodyMissing(ILogger logger, string tenant, string message, string reason);

        [LoggerMessage(401, LogLevel.Error, "Message {Message} could not be loaded; it is deferred")]
        public static partial void CannotLoad(ILogger logger, long message, Exception trouble);
    }
}
