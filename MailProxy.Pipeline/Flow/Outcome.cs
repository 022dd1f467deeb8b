using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Flow;

// Send, Resolve → Report.

/// <summary>What became of one attempt: a closed set. Whoever sends it has disposed the permit.</summary>
public abstract record Outcome(QueuedMail Ticket)
{
    /// <summary>The attempt as it was noted; null: its body never began.</summary>
    public Mark? Mark { get; init; }

    /// <summary>What is kept of the attempt; null: nothing, because it simply succeeded, or nobody was talked to.</summary>
    public MailAttempt? Attempt { get; init; }

    /// <summary>The mail tried an account whose circuit was half-open: see <see cref="DueMail.IsProbe"/>.</summary>
    public bool IsProbe { get; init; }

    /// <summary>The transaction ended and every recipient of the slice has a verdict.</summary>
    public sealed record Attempted(QueuedMail Ticket, MailContent Content, IReadOnlyList<RecipientVerdict> Verdicts) : Outcome(Ticket)
    {
        /// <summary>Some have a verdict, and then the account got into trouble: the others go again when that is over.</summary>
        public AccountTrouble? Trouble { get; init; }
    }

    /// <summary>The account, not the message, is to blame. <paramref name="Content"/> is set when the body had begun.</summary>
    public sealed record AccountToBlame(QueuedMail Ticket, AccountTrouble Trouble, MailContent? Content) : Outcome(Ticket);

    /// <summary>Begun, and let go before anybody had an answer, because the program stops or the connection had served its time: as if it
    /// had not been tried.</summary>
    public sealed record Released(QueuedMail Ticket, MailContent Content) : Outcome(Ticket);

    /// <summary>The circuit of its account opened before it began: as if it had not been chosen. <paramref name="Content"/> is set when
    /// its attempt was noted.</summary>
    public sealed record HeldBack(QueuedMail Ticket, AccountKey Account, MailContent? Content) : Outcome(Ticket);

    /// <summary>Some of the slice are suppressed: those have ended, and the others go without them; not begun.</summary>
    public sealed record Suppressed(QueuedMail Ticket, MailContent Content) : Outcome(Ticket);

    /// <summary>The message can never be sent as it is; not begun.</summary>
    public sealed record Unsendable(QueuedMail Ticket, MailContent Content, string EnhancedCode, string Reason) : Outcome(Ticket);

    /// <summary>Our own trouble (disk), or an attachment's source: deferred; not begun.</summary>
    public sealed record Postponed(QueuedMail Ticket, MailContent? Content, string Reason) : Outcome(Ticket)
    {
        /// <summary>A source of the message is down, and has a schedule of its own.</summary>
        public bool BySource { get; init; }

        /// <summary>A delay that the source named, or that we know to be enough.</summary>
        public TimeSpan? RetryAfter { get; init; }
    }

    /// <summary>The limits of the domains that it goes to say later; not begun, no attempt lost.</summary>
    /// <param name="At">Unix milliseconds when it is its turn.</param>
    public sealed record PutOff(QueuedMail Ticket, MailContent Content, long At) : Outcome(Ticket);

    /// <summary>A pool's mail whose account has no room for its domains: it goes by another. Nothing is written, no attempt lost: the
    /// ticket, which says so, goes back to its lane.</summary>
    public sealed record ByAnother(QueuedMail Ticket) : Outcome(Ticket);

    /// <summary>
    /// An attachment is still on its way: nothing is written; the ticket was set aside with <see cref="Wake.SetAside"/> and comes back by
    /// <see cref="Wake.Return"/>.
    /// </summary>
    public sealed record NotYet(QueuedMail Ticket) : Outcome(Ticket);

    /// <summary>The ticket was stale, or the mark could not be written: nothing is written, the claim ends.</summary>
    public sealed record Dropped(QueuedMail Ticket) : Outcome(Ticket);
}
