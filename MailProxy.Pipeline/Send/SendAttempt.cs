using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Send;

/// <summary>One attempt for a mail over a connection that is held, up to its outcome.</summary>
internal sealed partial class SendAttempt(PendingMail pending, HeldConnection held, SendRun run)
{
    private readonly ResolvedMail mail = pending.Mail;
    private readonly long _triedAt = run.Clock.GetTimestamp();
    private MailAttempt? _kept;

    private Mark? Begun => pending.Mark.Begun;

    private QueuedMail Ticket => mail.Due.Ticket;

    /// <summary>The attempt's outcome, whatever happens.</summary>
    public async ValueTask<Outcome> RunAsync()
    {
        try
        {
            var outcome = Seen(await AttemptAsync());
            return outcome with { Mark = Begun, Attempt = _kept };
        }
        catch (Exception error)
        {
            Log.Unforeseen(run.Logger, mail.Content.Key.Tenant, mail.Content.Key.Id, error);
            held.Connection?.Abandon();
            return Unforeseen(error) with { Mark = Begun };
        }
    }

    private async ValueTask<Outcome> AttemptAsync()
    {
        try
        {
            if (!pending.IsOut)
            {
                run.Abort.ThrowIfCancellationRequested();
                if (!mail.Due.IsProbe && run.IsHeld(mail.Account.Key))
                    return new Outcome.HeldBack(Ticket, mail.Account.Key, Begun is null ? null : Bodiless());
            }

            await pending.PrepareAsync();
            return await DeliverAsync(pending.Demand());
        }
        catch (UnsendableException error)
        {
            return new Outcome.Unsendable(Ticket, Bodiless(), error.EnhancedCode, error.Message);
        }
        catch (SmtpOpenException error)
        {
            Log.NoConnection(run.Logger, mail.Account.ToString(), Server, error.Phase, error.Reply?.Code, error.Message);
            var blamed = Blamed(SmtpVerdict.Trouble(mail.Account.Key, error, TransactionRules.Find(run.Judge, mail.Account, error)));
            _kept = AttemptRecord.Of(mail, blamed, error, run);
            return blamed;
        }
        catch (DkimKeyException error)
        {
            return Blamed(new(mail.Account.Key, TroubleKind.Configuration, null, null, error.Message));
        }
        catch (OperationCanceledException) when (run.Opening.IsCancellationRequested)
        {
            return Begun is not null ? new Outcome.Released(Ticket, Bodiless()) : new Outcome.Dropped(Ticket);
        }
    }

    // Once the transaction may have begun, nobody knows what the server has.
    private Outcome Unforeseen(Exception trouble)
    {
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

    private async ValueTask<Outcome> DeliverAsync(Outgoing outgoing)
    {
        var connection = mail.Due.IsProbe ? await held.FreshAsync(mail.Account) : await held.GetAsync(mail.Account);
        outgoing.Demand(connection.Offers);

        // It was sent over another connection, and its answer is lost with that.
        if (pending.IsOut && !connection.Awaits(outgoing))
            throw new InvalidOperationException("A message that has gone out lost its connection.");

        // The connection may have come after the stop: then the mail stays in the queue.
        if (!pending.IsOut)
            run.Opening.ThrowIfCancellationRequested();

        // Awaited inside the transaction: the sync of the disk overlaps MAIL, RCPT and DATA.
        pending.Mark.Request();
        var (result, fresh) = await TransactAsync(outgoing, connection);
        if (pending.Mark.Trouble is { } trouble)
        {
            // Deferred like any trouble of our own, so that a disk that fails is not asked by every mail again and again.
            Log.Unmarked(run.Logger, mail.Content.Key.Tenant, mail.Content.Key.Id, trouble);
            return new Outcome.Postponed(Ticket, Bodiless(), $"The attempt could not be noted on the disk: {trouble}");
        }

        if (result.End == TransactionEnd.Unmarked || !pending.Mark.TryBegin())
            return new Outcome.Dropped(Ticket);
        if (result.Fault is UnsendableException unfit)
            return Keep(Refused(unfit), result);
        // After a reply that ended the transaction, a hang-up needs no log line.
        if (result is { End: not TransactionEnd.Answered, Ending: null, Fault: { } fault })
        {
            Log.Broken(
                run.Logger,
                mail.Content.Key.Tenant,
                mail.Content.Key.Id,
                mail.Account.Id,
                Server,
                result.Phase,
                result.End,
                fault.Message
            );
        }

        var everySender = run.Refusals.Learn(mail.Account, outgoing.Envelope.Sender, result);
        var rules = TransactionRules.Find(run.Judge, mail.Account, mail.Content, result, fresh);
        Obey(rules);
        var outcome = SmtpVerdict.Judge(Ticket, mail.Account.Key, Bodiless(), result, everySender, rules);
        if (result.Phase == SmtpPhase.Final && outcome is Outcome.Attempted attempted)
            pending.Mark.Answered(attempted.Verdicts);
        return Keep(outcome, result);
    }

    private Outcome Keep(Outcome outcome, TransactionResult result)
    {
        if (result.Transcript is not null && held.Connection is { } connection)
            _kept = AttemptRecord.Of(mail, outcome, result, connection, run);
        return outcome;
    }

    private void Obey(TransactionRules rules)
    {
        if (rules.EndConnection)
            held.Connection?.Abandon();
        foreach (var rule in rules.OnConnections)
            run.Pool.Bound(mail.Account.Key, rule.Connections, rule.FewerConnections);
    }

    /// <summary>Fresh: the connection had not carried a message before.</summary>
    private async ValueTask<(TransactionResult Result, bool Fresh)> TransactAsync(Outgoing outgoing, SmtpConnection connection)
    {
        var used = connection.Messages > 0;
        var result = await connection.TransactAsync(outgoing, pending.Mark, held.Choose, run.Abort, run.Abandon);
        if (connection.Server is { } server)
        {
            server.Learn(result);
            if (server.Doubts(result))
                return (await AloneAsync(outgoing, server, result), true);
        }

        if (!used || !result.NeverBegan || result.PathIsSilent)
            return (result, !used);

        // The server ended an idle connection just when it was taken: no news of the account. Once, since the next is new.
        connection = await held.ReplaceAsync();
        var before = result.Transcript;
        result = await connection.TransactAsync(outgoing, pending.Mark, held.Choose, run.Abort, run.Abandon);
        connection.Server?.Learn(result);
        result.Transcript?.Follow(before);
        return (result, true);
    }

    // What it was told may have been for what went out in the same write with it, so it does not count yet.
    private async ValueTask<TransactionResult> AloneAsync(Outgoing outgoing, ServerPipelining server, TransactionResult doubtful)
    {
        try
        {
            var connection = held.Connection!;
            if (!connection.IsUsable || connection.HasAhead)
                connection = await held.ReplaceAsync();
            var alone = await connection.TransactAsync(outgoing, pending.Mark, null, run.Abort, run.Abandon);
            server.Learn(alone);
            server.Compare(doubtful, alone);
            alone.Transcript?.Follow(doubtful.Transcript);
            return alone;
        }
        catch
        {
            server.LeaveOpen();
            throw;
        }
    }

    // Trouble is of the account as it was tried.
    private Outcome Seen(Outcome outcome) =>
        outcome switch
        {
            Outcome.AccountToBlame { Trouble: var trouble } blamed => blamed with { Trouble = Of(trouble) },
            Outcome.Attempted { Trouble: { } trouble } attempted => attempted with { Trouble = Of(trouble) },
            _ => outcome,
        };

    private AccountTrouble Of(AccountTrouble trouble) => trouble with { Version = mail.Account.Version, TriedAt = _triedAt };

    private Outcome.AccountToBlame Blamed(AccountTrouble trouble) => new(Ticket, trouble, Begun is null ? null : Bodiless());

    // Found at the last write: the server has an incomplete mail, which it discards, and the connection is not used again.
    private Outcome.Attempted Refused(UnsendableException unfit)
    {
        Log.Unfit(run.Logger, mail.Content.Key.Tenant, mail.Content.Key.Id, unfit.Message);
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
        [LoggerMessage(502, LogLevel.Error, "Message {Tenant}/{Message} met an unexpected error")]
        public static partial void Unforeseen(ILogger logger, string tenant, string message, Exception trouble);

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
