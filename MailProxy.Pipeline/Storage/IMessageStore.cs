using System.Collections.Frozen;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>
/// The store as the stages use it. Times are Unix milliseconds. Every task completes after the commit; it faults with <see
/// cref="StoreUnavailableException"/> when the store cannot write now.
/// </summary>
public interface IMessageStore
{
    /// <summary>
    /// Ends what a crash left open: nothing stays claimed, and attempts without a settlement are handed back, answered or in doubt. Called
    /// once, before anything else.
    /// </summary>
    Task<Recovery> RecoverAsync(long now);

    /// <summary>
    /// Takes and stores submissions in one transaction. The answers are in the order of the batches; the answer to a withdrawn submission
    /// is
    /// null. The tickets are claimed by the caller.
    /// </summary>
    /// <param name="take">Called once, when the transaction begins or it is known that there will be none: what is to be written. It may be
    /// called by any thread and does not block.</param>
    Task<Appended> AppendAsync(Func<IReadOnlyList<AcceptedBatch>> take);

    /// <summary>
    /// Claims up to <paramref name="request"/>'s count of due mails of one lane, highest priority first, of each batch as many, fresh (due
    /// 0) and deferred in equal shares. With leases, a claimed mail belongs to the caller until it is released or the lease ends.
    /// </summary>
    Task<ClaimedPage> ClaimAsync(LaneKey lane, ClaimRequest request);

    /// <summary>Ends a claim. Never blocks, never fails.</summary>
    void Release(QueuedMail ticket);

    /// <summary>
    /// Loads a claimed mail with up to <paramref name="maxRecipients"/> recipients that are still to be tried in this round; null when the
    /// ticket
    /// is stale.
    /// </summary>
    ValueTask<MailContent?> LoadAsync(QueuedMail ticket, int maxRecipients);

    /// <summary>
    /// Loads several claimed mails together, at once or in one short read. Null: that mail is better loaded by itself, which tells why it
    /// cannot be loaded; its body is large, its ticket is stale, or anything else about it is unusual.
    /// </summary>
    ValueTask<IReadOnlyList<MailContent?>> LoadTogetherAsync(IReadOnlyList<LoadRequest> wanted);

    /// <summary>
    /// Writes settlements in order, in one transaction. The result says for each whether a row changed. It is tried again for ever while
    /// the store cannot write.
    /// </summary>
    Task<IReadOnlyList<bool>> CommitAsync(IReadOnlyList<Settlement> writes);

    /// <summary>Changes one message for a person. The check, the change and the entry in the audit log are one transaction.</summary>
    Task<ChangeResult> ChangeAsync(MessageKey key, MessageChange change, string actor, long now);

    /// <summary>Closes up to <paramref name="limit"/> expired messages (not sending, not held), with their events.</summary>
    Task<ExpirySweep> ExpireAsync(long now, int limit);
}

/// <param name="InDoubt">
/// Sent, and nobody knows whether the server took it; each must be settled. Without a mark: a former version's.
/// </param>
/// <param name="Lanes">Lanes with waiting mail, and when the earliest of it is due (0: now).</param>
/// <param name="LimitUses">Permits counted in windows that have not passed yet.</param>
/// <param name="NextExpiry">When the next message expires; <see cref="long.MaxValue"/>: never.</param>
public sealed record Recovery(
    IReadOnlyList<(QueuedMail Ticket, MailContent Content, Mark? Mark)> InDoubt,
    IReadOnlyList<(LaneKey Lane, long Due)> Lanes,
    IReadOnlyList<LimitUse> LimitUses,
    long NextExpiry
)
{
    /// <summary>Answered by the server, and not settled before the process ended.</summary>
    public IReadOnlyList<Outcome.Attempted> Answered { get; init; } = [];
}

/// <summary>Permits counted in one slot of one window.</summary>
/// <param name="WindowSeconds">60, 3,600 or 86,400; the second is not kept.</param>
/// <param name="Slot">The start of the slot.</param>
public readonly record struct LimitUse(LimitKey Key, int WindowSeconds, long Slot, int Count);

/// <param name="Tickets">Mail that may be sent now or waits its turn; claimed.</param>
/// <param name="Later">Mail that is not due yet: lane and due time; not claimed.</param>
/// <param name="NextExpiry">The earliest expiry of the stored mail.</param>
public sealed record Appended(
    IReadOnlyList<SubmissionAnswer?> Answers,
    IReadOnlyList<QueuedMail> Tickets,
    IReadOnlyList<(LaneKey Lane, long Due)> Later,
    long NextExpiry
);

/// <param name="MaxRecipients">As of <see cref="IMessageStore.LoadAsync"/>.</param>
public readonly record struct LoadRequest(QueuedMail Ticket, int MaxRecipients);

/// <param name="Count">The most mails to claim.</param>
/// <param name="Now">Mail with a later due time is not claimed.</param>
/// <param name="LowestPriority">Mail of lower priority is not claimed.</param>
public readonly record struct ClaimRequest(int Count, long Now, Priority LowestPriority = Priority.Low)
{
    /// <summary>Where the lane's rounds of its batches stand; null: at their beginning.</summary>
    public LaneCursor? Cursor { get; init; }

    /// <summary>What the lane's batches weigh.</summary>
    public FlowWeights? Weights { get; init; }

    /// <summary>Batches of whose mail there is enough already: none of it is claimed. Null: there are none.</summary>
    public IReadOnlySet<(Priority Priority, FlowKey Flow)>? Enough { get; init; }
}

/// <param name="More">Whether the store has more mail that is due now.</param>
/// <param name="NextDue">The earliest due time of mail that is not due yet; <see cref="long.MaxValue"/>: there is none.</param>
public sealed record ClaimedPage(IReadOnlyList<QueuedMail> Tickets, bool More, long NextDue)
{
    /// <summary>Batches that were looked at and have more mail that is due.</summary>
    public IReadOnlySet<(Priority Priority, FlowKey Flow)> Left { get; init; } = FrozenSet<(Priority, FlowKey)>.Empty;

    /// <summary>Mail of lower priority was not looked at.</summary>
    public Priority LowestPriority { get; init; } = Priority.Low;

    /// <summary>Not every batch was looked at; the next reading goes on there.</summary>
    public bool IsCut { get; init; }
}

/// <summary>How an attempt ended. Does nothing when the ticket is stale.</summary>
/// <param name="State">The message's state from now on.</param>
/// <param name="Attempts">Attempts that counted, from now on.</param>
public sealed record Settlement(
    QueuedMail Ticket,
    MessageState State,
    QueueStep Step,
    int Attempts,
    IReadOnlyList<RecipientUpdate> Recipients,
    IReadOnlyList<NewEvent> Events,
    bool PossibleDuplicate,
    long At
)
{
    /// <summary>Addresses that the tenant's suppression list gains by this, and why.</summary>
    public IReadOnlyList<(string Address, string Reason)> Suppress { get; init; } = [];

    /// <summary>What is kept of the attempt; null: nothing.</summary>
    public MailAttempt? Attempt { get; init; }

    /// <summary>The account of the attempt; null: there was none.</summary>
    public AccountKey? By { get; init; }

    /// <summary>What the attempt counts against limits; null: its body never began.</summary>
    public Mark? Mark { get; init; }

    /// <summary>What it counts against the account's limits for single domains.</summary>
    public IReadOnlyList<DestinationCount> Destinations { get; init; } = [];
}

/// <summary>What happens to the queue's row. A closed set.</summary>
public abstract record QueueStep
{
    private QueueStep() { }

    /// <summary>The message is final: the row is deleted.</summary>
    public sealed record Remove : QueueStep;

    /// <summary>Ready again at <paramref name="Due"/> (0: at once).</summary>
    public sealed record Again(long Due, int Round, int Recipients) : QueueStep
    {
        /// <summary>Where a pool's mail waits: in its pool's lane, or in that of the account that it stays with; null: where it
        /// did.</summary>
        public LaneKey? Lane { get; init; }

        /// <summary>Ids of all accounts that a pool's mail may not go by, with commas between; null: as it was.</summary>
        public string? NotBy { get; init; }

        /// <summary>It waits for a limit of its destination.</summary>
        public bool ForDestination { get; init; }
    }

    /// <summary>Nothing: the attempt did not begin, and only what was said is kept. The ticket stays good.</summary>
    public sealed record Stay : QueueStep;

    /// <summary>The message waits for a person.</summary>
    public sealed record Hold(string Reason, int Round, int Recipients) : QueueStep;
}

/// <param name="Tried">Whether the recipient was tried in this round.</param>
public sealed record RecipientUpdate(int Ordinal, RecipientState State, bool Tried, int? SmtpCode, string? EnhancedCode, string? Reply)
{
    /// <summary>The rule of a profile that decided, as <c>profile/rule</c>; null: none did.</summary>
    public string? Rule { get; init; }
}

/// <summary>
/// An event to append together with the state. <paramref name="Detail"/>: the JSON members of <c>data</c> that only this event has
/// (<c>"recipients":[…],"next_attempt_at":…</c>), without braces; null: none.
/// </summary>
public sealed record NewEvent(EventType Type, MessageState Status, int Attempt, byte[]? Detail);

/// <summary>The result of a change. A closed set.</summary>
public abstract record ChangeResult
{
    private ChangeResult() { }

    /// <param name="Lane">The lane that must be woken at <c>Due</c>; <see cref="long.MaxValue"/>: not at all.</param>
    public sealed record Done(MessageState State, LaneKey Lane, long Due, long ExpiresAt) : ChangeResult;

    public sealed record NotFound : ChangeResult;

    /// <param name="Code">sending, already_final, not_held, …</param>
    public sealed record Conflict(string Code, MessageState State) : ChangeResult;

    public sealed record Purged : ChangeResult;
}

/// <param name="NextExpiry">When to run again; not later than now when there is more to do.</param>
public readonly record struct ExpirySweep(int Expired, long NextExpiry);
