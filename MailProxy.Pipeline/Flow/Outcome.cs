using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Flow;

// Send, Resolve → Report.

/// <summary>What comes through Report's channel, first in, first out: a mark or an outcome.</summary>
public abstract record ReportItem(QueuedMail Ticket);

/// <summary>
/// "This attempt begins": the mark. <see cref="Marked"/> is true after the commit; false: the ticket is stale, drop it. Faults with <see
/// cref="StoreUnavailableException"/> when it cannot be written.
/// </summary>
public sealed record Begun(QueuedMail Ticket, int Recipients, SendPermit Permit) : ReportItem(Ticket)
{
    public TaskCompletionSource<bool> Marked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>What became of one attempt: a closed set. Whoever sends it has disposed the permit.</summary>
public abstract record Outcome(QueuedMail Ticket) : ReportItem(Ticket)
{
    /// <summary>The transaction ended and every recipient of the slice has a verdict.</summary>
    public sealed record Attempted(QueuedMail Ticket, MailContent Content, IReadOnlyList<RecipientVerdict> Verdicts) : Outcome(Ticket)
    {
        /// <summary>Some have a verdict, and then the account got into trouble: the others go again when that is over.</summary>
        public AccountTrouble? Trouble { get; init; }
    }

    /// <summary>The account, not the message, is to blame. <paramref name="Content"/> is set when the attempt was marked.</summary>
    public sealed record AccountToBlame(QueuedMail Ticket, AccountTrouble Trouble, MailContent? Content) : Outcome(Ticket);

    /// <summary>Marked, and let go because the program stops, before anybody had an answer: as if it had not been tried.</summary>
    public sealed record Released(QueuedMail Ticket, MailContent Content) : Outcome(Ticket);

    /// <summary>The message can never be sent as it is; not marked.</summary>
    public sealed record Unsendable(QueuedMail Ticket, MailContent Content, string EnhancedCode, string Reason) : Outcome(Ticket);

    /// <summary>Our own trouble (disk), or an attachment's source: deferred; not marked.</summary>
    public sealed record Postponed(QueuedMail Ticket, MailContent? Content, string Reason) : Outcome(Ticket)
    {
        /// <summary>A source of the message is down, and has a schedule of its own.</summary>
        public bool BySource { get; init; }

        /// <summary>A delay that the source named, or that we know to be enough.</summary>
        public TimeSpan? RetryAfter { get; init; }
    }

    /// <summary>
    /// An attachment is still on its way: nothing is written; the ticket was set aside with <see cref="Wake.SetAside"/> and comes back by
    /// <see cref="Wake.Return"/>.
    /// </summary>
    public sealed record NotYet(QueuedMail Ticket) : Outcome(Ticket);

    /// <summary>The ticket was stale, or the mark could not be written: nothing is written, the claim ends.</summary>
    public sealed record Dropped(QueuedMail Ticket) : Outcome(Ticket);
}
