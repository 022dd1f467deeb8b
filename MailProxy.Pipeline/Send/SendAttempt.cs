using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Profiles;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Send;

/// <summary>One attempt, from rendering to its outcome. Holds the connection that the stage returns afterwards.</summary>
internal sealed partial class SendAttempt(
    ResolvedMail mail,
    SmtpPool pool,
    SenderRefusals refusals,
    ReplyJudge judge,
    Rendering rendering,
    IMarks marks,
    int marksAhead,
    TimeProvider clock,
    ILogger logger
)
{
    private readonly AttemptMark _mark = new(mail, marks, clock);

    /// <summary>The connection in use; the stage returns it after the outcome is written.</summary>
    public SmtpConnection? Connection { get; private set; }

    /// <summary>The attempt as it was noted; null: its body never began.</summary>
    public Mark? Begun => _mark.Begun;

    private QueuedMail Ticket => mail.Due.Ticket;

    /// <summary>Throws only for a bug after the mark, which <see cref="SendStage"/> turns into an outcome.</summary>
    /// <param name="opening">Ends the wait for a connection that is still to be opened.</param>
    public async Task<Outcome> RunAsync(CancellationToken opening, CancellationToken abort, CancellationToken abandon)
    {
        try
        {
            abort.ThrowIfCancellationRequested();
            var envelope = Envelope.Of(mail.Content);
            using var rendered = await rendering.RenderAsync(mail, abort);
            return await DeliverAsync(envelope, rendered, opening, abort, abandon);
        }
        catch (UnsendableException error)
        {
            return new Outcome.Unsendable(Ticket, Bodiless(), error.EnhancedCode, error.Message);
        }
        catch (SmtpOpenException error)
        {
            Log.NoConnection(logger, mail.Account.ToString(), Server, error.Phase, error.Reply?.Code, error.Message);
            return Blamed(SmtpVerdict.Trouble(mail.Account.Key, error, TransactionRules.Find(judge, mail.Account, error)));
        }
        catch (DkimKeyException error)
        {
            return Blamed(new(mail.Account.Key, TroubleKind.Configuration, null, null, error.Message));
        }
        catch (OperationCanceledException) when (opening.IsCancellationRequested)
        {
            return Begun is not null ? new Outcome.Released(Ticket, Bodiless()) : new Outcome.Dropped(Ticket);
        }
    }

    /// <summary>The outcome after an unexpected exception. Once the transaction may have begun, nobody knows what the server
    /// has.</summary>
    public Outcome Unforeseen(Exception trouble)
    {
        Connection?.Abandon();
        if (Begun is null)
            return new Outcome.Postponed(Ticket, Bodiless(), $"An unexpected error: {trouble.Message}");
        return new Outcome.Attempted(
            Ticket,
            Bodiless(),
            [
                .. mail.Content.Slice.Select(to => new RecipientVerdict(
                    to.Ordinal,
                    to.Address,
                    Verdict.InDoubt,
                    null,
                    "4.3.0",
                    "An unexpected error."
                )),
            ]
        );
    }

    private async Task<Outcome> DeliverAsync(
        Envelope envelope,
        RenderedMail rendered,
        CancellationToken opening,
        CancellationToken abort,
        CancellationToken abandon
    )
    {
        // While the connection is busy with another mail, so that this one need not wait for the disk when its turn comes.
        if (marksAhead > 0 && _mark.MayBeEarly)
            _mark.Request();
        Connection = await pool.RentAsync(mail.Account, opening, abort);
        if (Connection.Offers.LargestMessage is { } most && rendered.Length > most)
        {
            throw new UnsendableException("5.3.4", $"The message has {rendered.Length} octets and the server takes {most} at most (SIZE).");
        }

        if (rendered.EightBit && !Connection.Offers.EightBit)
        {
            throw new UnsendableException("5.6.3", "The message has 8-bit content and the server does not offer 8BITMIME.");
        }

        if ((envelope.NeedsSmtpUtf8 || rendered.NeedsSmtpUtf8) && !Connection.Offers.SmtpUtf8)
        {
            throw new UnsendableException("5.6.7", "The message needs SMTPUTF8 and the server does not offer it.");
        }

        // The connection may have come after the stop: then the mail stays in the queue.
        opening.ThrowIfCancellationRequested();

        // Awaited inside the transaction: the sync of the disk overlaps MAIL, RCPT and DATA.
        _mark.Request();
        var used = Connection.Messages > 0;
        var result = await Connection.TransactAsync(envelope, rendered, _mark, abort, abandon);
        if (used && result.NeverBegan)
        {
            // The server ended an idle connection just when it was taken: no news of the account. Once, since the next is new.
            await ReplaceAsync(opening);
            used = false;
            result = await Connection.TransactAsync(envelope, rendered, _mark, abort, abandon);
        }

        if (_mark.Trouble is { } trouble)
        {
            // Deferred like any trouble of our own, so that a disk that fails is not asked by every mail again and again.
            Log.Unmarked(logger, mail.Content.Key.Tenant, mail.Content.Key.Id, trouble);
            return new Outcome.Postponed(Ticket, Bodiless(), $"The attempt could not be noted on the disk: {trouble}");
        }

        if (result.End == TransactionEnd.Unmarked || !_mark.TryBegin())
            return new Outcome.Dropped(Ticket);
        if (result.Fault is UnsendableException unfit)
            return Refused(unfit);
        // After a reply that ended the transaction, a hang-up needs no log line.
        if (result is { End: not TransactionEnd.Answered, Ending: null, Fault: { } fault })
        {
            Log.Broken(
                logger,
                mail.Content.Key.Tenant,
                mail.Content.Key.Id,
                mail.Account.Id,
                Server,
                result.Phase,
                result.End,
                fault.Message
            );
        }

        var everySender = refusals.Learn(mail.Account, envelope.Sender, result);
        var rules = TransactionRules.Find(judge, mail.Account, mail.Content, result, fresh: !used);
        Obey(rules);
        var outcome = SmtpVerdict.Judge(Ticket, mail.Account.Key, Bodiless(), result, everySender, rules);
        if (result.Phase == SmtpPhase.Final && outcome is Outcome.Attempted attempted)
            _mark.Answered(attempted.Verdicts);
        return outcome;
    }

    private void Obey(TransactionRules rules)
    {
        if (rules.EndConnection)
            Connection!.Abandon();
        foreach (var rule in rules.OnConnections)
            pool.Bound(mail.Account.Key, rule.Connections, rule.FewerConnections);
    }

    private async Task ReplaceAsync(CancellationToken abort)
    {
        var dead = Connection!;
        Connection = null;
        Connection = await pool.ReplaceAsync(dead, abort);
    }

    private Outcome.AccountToBlame Blamed(AccountTrouble trouble) => new(Ticket, trouble, Begun is null ? null : Bodiless());

    // Found at the last write: the server has an incomplete mail, which it discards, and the connection is not used again.
    private Outcome.Attempted Refused(UnsendableException unfit)
    {
        Log.Unfit(logger, mail.Content.Key.Tenant, mail.Content.Key.Id, unfit.Message);
        var verdicts = mail.Content.Slice.Select(to => new RecipientVerdict(
            to.Ordinal,
            to.Address,
            Verdict.Refused,
            null,
            unfit.EnhancedCode,
            unfit.Message
        ));
        return new(Ticket, Bodiless(), [.. verdicts]);
    }

    private string Server => mail.Account.Sandbox ? "sandbox" : $"{mail.Account.Host}:{mail.Account.Port}";

    private MailContent Bodiless() => mail.Content.Bodiless();

    private static partial class Log
    {
        // The account's state is logged once; this is each try.
        [LoggerMessage(510, LogLevel.Debug, "No connection for account {Account} to {Server} ({Phase}, reply {Code}): {Reason}")]
        public static partial void NoConnection(ILogger logger, string account, string server, SmtpPhase phase, int? code, string reason);

        [LoggerMessage(
            511,
            LogLevel.Warning,
            "Message {Tenant}/{Message} by account {Account} ({Server}): the connection broke in {Phase} ({End}): {Reason}"
        )]
        public static partial void Broken(
            ILogger logger,
            string tenant,
            string message,
            string account,
            string server,
            SmtpPhase phase,
            TransactionEnd end,
            string reason
        );

        [LoggerMessage(513, LogLevel.Warning, "Message {Tenant}/{Id} was stopped at the last write: {Reason}")]
        public static partial void Unfit(ILogger logger, string tenant, string id, string reason);

        [LoggerMessage(512, LogLevel.Warning, "Message {Tenant}/{Message} could not be marked and is left for later: {Reason}")]
        public static partial void Unmarked(ILogger logger, string tenant, string message, string reason);
    }
}
