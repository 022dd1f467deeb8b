using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Report;

/// <summary>Turns the outcome of an attempt into what the store must write. Pure.</summary>
/// <remarks>
/// Events: a round ends with one event (deferred, held, or final) that lists every recipient that was tried in it. A slice after which
/// other
/// recipients still have to be tried in this round writes no event and leaves the state unchanged, with one exception: doubt under the
/// policy
/// "retry" is reported at once. Trouble of the account writes no event either.
/// </remarks>
internal sealed class Settler(Func<AccountKey, RetryPolicy> retryOf, PostponePolicy own, PostponePolicy source, Func<double> chance)
{
    private const int LongestReply = 1000;

    /// <param name="scheduleOf">The retry schedule of an account, or of its tenant; null when neither has one.</param>
    public Settler(ReportOptions options, Func<AccountKey, RetrySchedule?> scheduleOf, Func<double> chance)
        : this(RetryOf(options, scheduleOf), new(options.PostponeSteps, options.Jitter), new(options.SourceSteps, options.Jitter), chance)
    { }

    /// <summary>An attempt with a verdict for each recipient of its slice.</summary>
    public Settlement Attempted(QueuedMail ticket, MailContent content, IReadOnlyList<RecipientVerdict> verdicts, long now) =>
        Settle(ticket, content, verdicts, counts: true, now);

    /// <summary>An attempt that had gone out when the process ended: everybody in the slice is in doubt.</summary>
    public Settlement InDoubt(QueuedMail ticket, MailContent content, long now) =>
        Settle(
            ticket,
            content,
            All(content, Verdict.InDoubt, null, "The attempt was interrupted; its outcome is unknown."),
            counts: true,
            now
        );

    /// <summary>Not begun: the suppressed of its slice have ended.</summary>
    public Settlement Suppressed(QueuedMail ticket, MailContent content, long now) =>
        Settle(
            ticket,
            content,
            [
                .. content.Suppressed.Select(static one => new RecipientVerdict(
                    one.Ordinal,
                    one.Address,
                    Verdict.Suppressed,
                    null,
                    null,
                    one.Reason
                )),
            ],
            counts: false,
            now
        );

    /// <summary>Not begun, and never sendable as it is.</summary>
    public Settlement Unsendable(QueuedMail ticket, MailContent content, string enhancedCode, string reason, long now) =>
        Settle(ticket, content, All(content, Verdict.Refused, enhancedCode, reason), counts: false, now);

    /// <summary>Begun, but the account is to blame: as if it had not been tried.</summary>
    public static Settlement Untried(QueuedMail ticket, MailContent content, long now) =>
        new(
            ticket,
            Before(content),
            new QueueStep.Again(0, content.Standing.Round, Wanting(content)),
            content.Standing.Attempts,
            [],
            [],
            content.Standing.PossibleDuplicate,
            now
        )
        {
            By = By(content),
        };

    /// <summary>Not begun, because of a limit of its destination: as if it had not been tried, and again then.</summary>
    public static Settlement PutOff(Outcome.PutOff later, long now)
    {
        var untried = Untried(later.Ticket, later.Content, now);
        return untried with { Step = (QueueStep.Again)untried.Step with { Due = later.At, ForDestination = true } };
    }

    /// <summary>Not begun, because the account had no connection: nothing changes but what is kept of the attempt.</summary>
    public static Settlement NotBegun(QueuedMail ticket, long now) =>
        new(ticket, default, new QueueStep.Stay(), 0, [], [], PossibleDuplicate: false, now);

    /// <summary>
    /// A pool's mail whose account may not send for its sender: as if it had not been tried, and not by that account again.
    /// </summary>
    /// <param name="only">The one account that is left; null: there are several.</param>
    public static Settlement Excluded(QueuedMail ticket, MailContent content, string account, AccountKey? only, long now)
    {
        var untried = Untried(ticket, content, now);
        var step = (QueueStep.Again)untried.Step with
        {
            NotBy = ticket.NotBy is { } others ? $"{others},{account}" : account,
            Lane = only is { } left ? Lanes.Of(left) : Lanes.Of(content.Pool!.Value),
        };
        return untried with { Step = step };
    }

    /// <summary>Not begun, trouble of our own or of a source: later, by a schedule of its own, no attempt lost.</summary>
    public Settlement Postponed(Outcome.Postponed later, MailContent content, long now)
    {
        var (ticket, standing) = (later.Ticket, content.Standing);
        // The ticket counts every attempt that ended; those beyond the attempts that counted were postponements.
        var wait = (later.BySource ? source : own).Delay(ticket.Attempt - standing.Attempts, later.RetryAfter, chance());
        var due = now + (long)wait.TotalMilliseconds;
        var detail = SettlementDetail.Make(
            new()
            {
                NextAttemptAt = due,
                Reason = Clip(later.Reason),
                PossibleDuplicate = standing.PossibleDuplicate,
            }
        );
        return new(
            ticket,
            MessageState.Deferred,
            new QueueStep.Again(due, standing.Round, Wanting(content)),
            standing.Attempts,
            [],
            [new(EventType.MessageDeferred, MessageState.Deferred, standing.Attempts, detail)],
            standing.PossibleDuplicate,
            now
        )
        {
            By = By(content),
        };
    }

    private Settlement Settle(QueuedMail ticket, MailContent content, IReadOnlyList<RecipientVerdict> verdicts, bool counts, long now)
    {
        var standing = content.Standing;
        var attempts = standing.Attempts + (counts ? 1 : 0);
        var tally = new RoundTally(retryOf(content.Account), content, chance());
        var untouched = IsUntouched(verdicts);
        for (var i = 0; i < content.Slice.Count; i++)
        {
            var verdict = Of(content.Slice[i].Ordinal, verdicts, i);
            if (verdict is null)
                tally.Untried();
            // If no recipient of the slice was tried, the slice would come back at once, forever.
            else if (untouched)
                tally.Add(verdict with { Verdict = Verdict.Deferred });
            else
                tally.Add(verdict.Reply is { Length: > LongestReply } ? verdict with { Reply = Clip(verdict.Reply) } : verdict);
        }

        var facts = new SettlementDetail.Facts
        {
            PossibleDuplicate = standing.PossibleDuplicate,
            Earlier = content.Earlier,
            Now = tally.Changed,
        };
        var (state, step, type) = Close(tally, content, now);
        if (counts && step is QueueStep.Again later && content.Pool is { } pool)
            step = later with { Lane = WaitsIn(pool, ticket, content, verdicts) };
        if (step is QueueStep.Again { Due: > 0 and var due })
            facts = facts with { NextAttemptAt = due };
        if (step is QueueStep.Hold { Reason: var reason })
            facts = facts with { HoldReason = reason };
        if (tally.InDoubt > 0 && type is EventType.MessageAmbiguous)
            facts = facts with { Policy = content.OnAmbiguous };
        return new(
            ticket,
            state,
            step,
            attempts,
            [.. tally.Changed.Select(change => change.Update)],
            type is { } told ? [new(told, state, attempts, SettlementDetail.Make(facts))] : [],
            standing.PossibleDuplicate || tally.MayDouble,
            now
        )
        {
            By = By(content),
        };
    }

    private static AccountKey? By(MailContent content) => content.Account == default ? null : content.Account;

    // In the lane of its account a mail that stays with it holds up no other of the pool. What may not go by all accounts stays where it
    // is, perhaps in the lane of the only one that is left.
    private static LaneKey? WaitsIn(PoolKey pool, QueuedMail ticket, MailContent content, IReadOnlyList<RecipientVerdict> verdicts) =>
        Stays(verdicts) ? Lanes.Of(content.Account)
        : ticket.NotBy is null ? Lanes.Of(pool)
        : null;

    // A greylisting server knows its client by address, and one that may have the mail is the only one to know a second copy.
    private static bool Stays(IReadOnlyList<RecipientVerdict> verdicts)
    {
        for (var i = 0; i < verdicts.Count; i++)
        {
            if (verdicts[i] is { Verdict: Verdict.InDoubt } or { Verdict: Verdict.Deferred, IsGreylisted: true })
                return true;
        }

        return false;
    }

    private static bool IsUntouched(IReadOnlyList<RecipientVerdict> verdicts)
    {
        for (var i = 0; i < verdicts.Count; i++)
        {
            if (verdicts[i].Verdict != Verdict.NotTried)
                return false;
        }

        return true;
    }

    /// <summary>A recipient's verdict, which is nearly always at the recipient's place; null: there is none.</summary>
    private static RecipientVerdict? Of(int ordinal, IReadOnlyList<RecipientVerdict> verdicts, int place)
    {
        if (place < verdicts.Count && verdicts[place].Ordinal == ordinal)
            return verdicts[place];
        for (var i = 0; i < verdicts.Count; i++)
        {
            if (verdicts[i].Ordinal == ordinal)
                return verdicts[i];
        }

        return null;
    }

    private (MessageState State, QueueStep Step, EventType? Event) Close(RoundTally tally, MailContent content, long now)
    {
        var round = content.Standing.Round;
        if (tally.InDoubt > 0 && content.OnAmbiguous == AmbiguousPolicy.Hold)
        {
            // Releasing a held message means every recipient that is not final, so all of them belong to the next round.
            return (MessageState.Held, new QueueStep.Hold("ambiguous", round + 1, tally.Waiting + tally.Rest), EventType.MessageAmbiguous);
        }

        if (tally.Rest > 0)
        {
            var again = new QueueStep.Again(0, round, tally.Rest);
            return tally.MayDouble
                ? (MessageState.Deferred, again, EventType.MessageAmbiguous)
                : (Before(content), again, tally.Suppressed > 0 ? EventType.MessageSuppressed : null);
        }

        if (tally.Waiting > 0)
        {
            var due = now + Math.Max(1, (long)tally.Wait.TotalMilliseconds);
            return (
                MessageState.Deferred,
                new QueueStep.Again(due, round + 1, tally.Waiting),
                tally.MayDouble ? EventType.MessageAmbiguous : EventType.MessageDeferred
            );
        }

        return tally switch
        {
            { Sent: > 0, Failed: > 0 } => (MessageState.PartiallySent, new QueueStep.Remove(), EventType.MessagePartiallySent),
            { Ambiguous: > 0 } => (MessageState.Ambiguous, new QueueStep.Remove(), EventType.MessageAmbiguous),
            { Sent: > 0 } => (MessageState.Sent, new QueueStep.Remove(), EventType.MessageSent),
            { Failed: 0, Suppressed: > 0 } => (MessageState.Suppressed, new QueueStep.Remove(), EventType.MessageSuppressed),
            _ => (MessageState.Failed, new QueueStep.Remove(), EventType.MessageFailed),
        };
    }

    /// <summary>The state to return to: deferred when the mail was deferred before, otherwise queued.</summary>
    private static MessageState Before(MailContent content) =>
        content.State switch
        {
            MessageState.Deferred => MessageState.Deferred,
            MessageState.Queued or MessageState.Scheduled => MessageState.Queued,
            _ => content.Standing is { Round: 0, PossibleDuplicate: false } ? MessageState.Queued : MessageState.Deferred,
        };

    private static int Wanting(MailContent content) => content.Slice.Count + content.Standing.Rest;

    private static RecipientVerdict[] All(MailContent content, Verdict verdict, string? enhancedCode, string reply) =>
        [
            .. content.Slice.Select(recipient => new RecipientVerdict(
                recipient.Ordinal,
                recipient.Address,
                verdict,
                null,
                enhancedCode,
                reply
            )),
        ];

    private static Func<AccountKey, RetryPolicy> RetryOf(ReportOptions options, Func<AccountKey, RetrySchedule?> scheduleOf)
    {
        var common = new RetryPolicy(options);
        return account => scheduleOf(account) is { } own ? new(own.Steps, options.Jitter) : common;
    }

    private static string? Clip(string? reply) => reply is { Length: > LongestReply } ? reply[..LongestReply] : reply;
}
