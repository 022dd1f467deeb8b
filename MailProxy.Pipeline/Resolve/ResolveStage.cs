using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Turns a ticket into a mail that can be sent: loads its content and charges it to the memory for bodies. A mail that cannot be loaded
/// leaves as an outcome. Ordinary mail is loaded together, as much of it as has gathered. Whatever needs more, or has to wait, does so on
/// its own, without holding anything, so that one tenant's large mail delays no other tenant.
/// </summary>
/// <param name="loads">Limits how many mails are loaded at the same time.</param>
internal sealed partial class ResolveStage(
    ChannelReader<DueMail> input,
    IMessageStore store,
    CurrentAccounts accounts,
    ChannelWriter<ResolvedMail> next,
    ChannelWriter<Outcome> report,
    SharedCapacity loads,
    BodyMemory bodies,
    Func<SmtpAccount, int> sliceSize,
    DestinationQuestions destinations,
    Attachments attachments,
    TimeProvider clock,
    ILogger logger
)
{
    private readonly ResolveSpans _spans = new(clock);

    /// <summary>Bounded by the number of mails that Schedule lets be under way.</summary>
    /// <param name="stop">No further mail is begun: mails that are chosen already, or wait for memory, stay in the queue.</param>
    public Task RunAsync(CancellationToken stop) => Stage.ForEachApart(input, due => HandleAsync(due, stop), due => HandleAsync(due, stop));

    /// <summary>Passes on what can be loaded together and needs nothing else; the others stay in the list.</summary>
    private async ValueTask HandleAsync(List<DueMail> mails, CancellationToken stop)
    {
        if (stop.IsCancellationRequested)
            return;
        var turn = _spans.Turn();
        var ordinary = new List<(DueMail Due, SmtpAccount Account)>(mails.Count);
        var left = new List<DueMail>();
        foreach (var due in mails)
        {
            if (due.Permit.IsAcquired && accounts.Directory.Find(due.Account) is { } account && !destinations.Concern(account))
                ordinary.Add((due, account));
            else
                left.Add(due);
        }

        if (ordinary.Count == 0)
            return;
        IReadOnlyList<MailContent?> contents;
        try
        {
            contents = await store.LoadTogetherAsync(
                ordinary.ConvertAll(one => new LoadRequest(one.Due.Ticket, SliceOf(one.Due, one.Account)))
            );
        }
        catch (Exception error)
        {
            // One of them may be to blame, and then only that one fails.
            Log.CannotLoadTogether(logger, ordinary.Count, error);
            return;
        }

        for (var i = 0; i < ordinary.Count; i++)
        {
            var (due, account) = ordinary[i];
            if (contents[i] is { Suppressed.Count: 0 } content && Equip(due, account, By(account, content)) is { } mail)
                await PassAsync(mail, turn);
            else
                left.Add(due);
        }

        mails.Clear();
        mails.AddRange(left);
    }

    /// <summary>Null: it has to wait for something.</summary>
    private ResolvedMail? Equip(DueMail due, SmtpAccount account, MailContent content)
    {
        if (bodies.TryTake(account.Tenant, Weight(due, account, content)) is not { } charge)
            return null;
        var mail = new ResolvedMail(due, account, content, charge);
        if (!attachments.NeedsWork(mail))
            return mail;
        charge.Dispose();
        return null;
    }

    private async ValueTask PassAsync(ResolvedMail mail, DateTimeOffset turn)
    {
        try
        {
            _spans.Passed(mail, turn);
            await next.WriteAsync(mail, CancellationToken.None);
        }
        catch (ChannelClosedException)
        {
            // The Send stage has ended: a bug elsewhere is ending the pipeline, and nobody is left to report to.
            mail.Due.Permit.Dispose();
            throw;
        }
    }

    // The limits may have changed since the permit was given, so the permit says how many recipients it is valid for.
    private int SliceOf(DueMail due, SmtpAccount account) =>
        due.Permit.IsAcquired ? Math.Min(sliceSize(account), due.Permit.MaxRecipients) : sliceSize(account);

    // Of a pool's mail the store knows the account of its last attempt only.
    private static MailContent By(SmtpAccount account, MailContent content) =>
        content.Account == account.Key ? content : content with { Account = account.Key };

    // The JSON and the message rendered from it are both in memory until the mail has been sent, and texts that links are added to.
    private long Weight(DueMail due, SmtpAccount account, MailContent content) =>
        2 * (content.Json.Length + (attachments.MayBring(due.Ticket, account, content) ? content.Spooled!.Size : 0));

    private async Task HandleAsync(DueMail due, CancellationToken stop)
    {
        Outcome outcome;
        var turn = _spans.Turn();
        try
        {
            var (mail, refused) = await ResolveAsync(due, stop);
            if (mail is not null)
            {
                await PassAsync(mail, turn);
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
        _spans.Ended(outcome, turn);
        await report.WriteAsync(outcome, CancellationToken.None);
    }

    private async ValueTask<(ResolvedMail? Mail, Outcome? Refused)> ResolveAsync(DueMail due, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        if (accounts.Directory.Find(due.Account) is not { } account)
            return default;
        var loaded = await LoadAsync(due, account, null, stop);

        // Without the body: a mail that waits for capacity does not hold its body, and loads it again afterwards.
        if (loaded.Missing > 0)
            loaded = await LoadAsync(due, account, await bodies.TakeAsync(account.Tenant, loaded.Missing, stop), stop);
        return (loaded.Mail, loaded.Refused);
    }

    /// <summary>Loads a mail. Missing: that many bytes of capacity are not available now.</summary>
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

            if (await store.LoadAsync(due.Ticket, SliceOf(due, account)) is not { } loaded)
            {
                charge?.Dispose();
                return default;
            }

            var content = By(account, loaded);
            if (content.Suppressed.Count > 0)
            {
                charge?.Dispose();
                return (null, new Outcome.Suppressed(due.Ticket, content.Bodiless()), 0);
            }

            if (!due.Permit.IsAcquired)
            {
                charge?.Dispose();
                return (null, due.Permit.Refusal is null ? Asked(due, account, content) : Refused(due, content), 0);
            }

            var bytes = Weight(due, account, content);
            charge ??= bodies.TryTake(account.Tenant, bytes);
            if (charge is null)
                return (null, null, bytes);

            var answer = destinations.Ask(due, account, content);
            if (answer is not DestinationAnswer.May may)
            {
                charge.Dispose();
                return (null, Held(due, content, answer), 0);
            }

            var mail = new ResolvedMail(due with { Permit = may.Permit }, account, may.Content, charge);
            charge = null; // owned by the mail from here on
            return await EquipAsync(mail, stop);
        }
        catch
        {
            charge?.Dispose();
            throw;
        }
    }

    private async ValueTask<(ResolvedMail? Mail, Outcome? Refused, long Missing)> EquipAsync(ResolvedMail mail, CancellationToken stop)
    {
        if (!attachments.NeedsWork(mail))
            return (mail, null, 0);
        ResolvedMail? equipped = null;
        try
        {
            (equipped, var refused) = await attachments.EquipAsync(mail, stop);
            return (equipped, refused, 0);
        }
        finally
        {
            if (equipped is null)
                mail.Due.Permit.Dispose();
        }
    }

    private Outcome Asked(DueMail due, SmtpAccount account, MailContent content) =>
        Held(due, content, destinations.Ask(due, account, content));

    private static Outcome Held(DueMail due, MailContent content, DestinationAnswer answer) =>
        answer switch
        {
            DestinationAnswer.Later later => new Outcome.PutOff(due.Ticket, content.Bodiless(), later.At),
            DestinationAnswer.Never never => new Outcome.Unsendable(due.Ticket, content.Bodiless(), "5.7.28", never.Reason),
            DestinationAnswer.Elsewhere other => new Outcome.ByAnother(due.Ticket with { Passed = other.Passed }),
            _ => throw new InvalidOperationException("A case of the answer of destinations is missing here."),
        };

    private static Outcome.Unsendable Refused(DueMail due, MailContent content) =>
        new(due.Ticket, content.Bodiless(), due.Permit.RefusalStatus, due.Permit.Refusal!);

    private static partial class Log
    {
        // Logged once per message, not again at every step of the retry schedule.
        [LoggerMessage(
            400,
            LogLevel.Error,
            "Message {Tenant}/{Message} is deferred: {Reason} Restore the file from a backup, or cancel the message"
        )]
        public static partial void BodyMissing(ILogger logger, string tenant, string message, string reason);

        [LoggerMessage(401, LogLevel.Error, "Message {Message} could not be loaded; it is deferred")]
        public static partial void CannotLoad(ILogger logger, long message, Exception trouble);

        // At Debug, because each is loaded by itself next, and that says what is wrong.
        [LoggerMessage(402, LogLevel.Debug, "{Count} messages could not be loaded together; each is loaded by itself")]
        public static partial void CannotLoadTogether(ILogger logger, int count, Exception trouble);
    }
}
