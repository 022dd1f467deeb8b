using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>
/// What the stages ask of the store. Times are Unix milliseconds. Every task completes after the commit; it faults with <see
/// cref="StoreUnavailableException"/> when the store cannot write now.
/// </summary>
public interface IMessageStore
{
    /// <summary>
    /// Ends what a crash left open: nothing stays claimed, and what was marked without an outcome is handed back as in doubt. Called once,
    /// before anything else.
    /// </summary>
    Task<Recovery> RecoverAsync(long now);

    /// <summary>
    /// Takes and stores submissions in one transaction. The answers stand in the order of the batches; a withdrawn submission has the
    /// answer null. The tickets are claimed by the caller.
    /// </summary>
    Task<Appended> AppendAsync(IReadOnlyList<AcceptedBatch> batches);

    /// <summary>
    /// Claims up to <paramref name="request"/>'s count of mails of one account that are due, highest priority first, fresh (due 0) and
    /// deferred in equal shares. With leases: what is claimed is nobody else's until it is released or the lease ends.
    /// </summary>
    Task<ClaimedPage> ClaimAsync(AccountKey account, ClaimRequest request);

    /// <summary>Ends claims. Never blocks, never fails.</summary>
    void Release(QueuedMail ticket);

    /// <summary>
    /// Loads a claimed mail with up to <paramref name="maxRecipients"/> recipients that still want this round; null when the ticket is
    /// stale.
    /// </summary>
    ValueTask<MailContent?> LoadAsync(QueuedMail ticket, int maxRecipients);

    /// <summary>
    /// Writes marks and settlements in order, in one transaction. The result says for each whether a row changed. Settlements are retried
    /// for ever. A call with a mark in it faults as a whole and nothing of it is kept: give its settlements again, alone.
    /// </summary>
    Task<IReadOnlyList<bool>> CommitAsync(IReadOnlyList<StoreWrite> writes);

    /// <summary>A person's change of one message. Checked, made and told to the audit log in one transaction.</summary>
    Task<ChangeResult> ChangeAsync(MessageKey key, MessageChange change, string actor, long now);

    /// <summary>Closes up to <paramref name="limit"/> messages whose time is over (not sending, not held), with their events.</summary>
    Task<ExpirySweep> ExpireAsync(long now, int limit);
}

/// <summary>The store cannot write now (disk full, locked, failing). Try again later.</summary>
public sealed class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The store file is newer than this program, not ours, or damaged. The program must not start.</summary>
public sealed class StoreRefusedException(string message, Exception? inner = null) : Exception(message, inner);

/// <param name="InDoubt">Marked without an outcome. Still in state sending; settle each.</param>
/// <param name="Lanes">Accounts that have mail waiting, and when its earliest is due (0: now).</param>
/// <param name="LimitUses">What was counted against limits in windows that have not passed.</param>
/// <param name="NextExpiry">When the next message expires; <see cref="long.MaxValue"/>: never.</param>
public sealed record Recovery(
    IReadOnlyList<(QueuedMail Ticket, MailContent Content)> InDoubt,
    IReadOnlyList<(AccountKey Account, long Due)> Lanes,
    IReadOnlyList<LimitUse> LimitUses,
    long NextExpiry
);

/// <summary>Permits counted in one slot of one window. Account 0 is the installation's own partition, one below 0 a tenant's.</summary>
/// <param name="WindowSeconds">60, 3,600 or 86,400; the second is not kept.</param>
/// <param name="Slot">The slot's start.</param>
public readonly record struct LimitUse(AccountKey Account, int WindowSeconds, long Slot, int Count);

/// <param name="Tickets">What may go now or waits its turn; claimed.</param>
/// <param name="Later">Mail that is not due yet: account and due time; not claimed.</param>
/// <param name="NextExpiry">The earliest expiry among the stored.</param>
public sealed record Appended(
    IReadOnlyList<SubmissionAnswer?> Answers,
    IReadOnlyList<QueuedMail> Tickets,
    IReadOnlyList<(AccountKey Account, long Due)> Later,
    long NextExpiry
);

/// <param name="Count">How many at most.</param>
/// <param name="Now">Mail with a later due time is not claimed.</param>
/// <param name="LowestPriority">Nothing less urgent than this.</param>
public readonly record struct ClaimRequest(int Count, long Now, Priority LowestPriority = Priority.Low);

/// <param name="More">The store has more that is due now.</param>
/// <param name="NextDue">When the next not yet due mail is; <see cref="long.MaxValue"/>: none.</param>
public sealed record ClaimedPage(IReadOnlyList<QueuedMail> Tickets, bool More, long NextDue);

/// <summary>A write of the Report stage: a closed set.</summary>
public abstract record StoreWrite(QueuedMail Ticket);

/// <summary>
/// The attempt begins: state sending, if the ticket still holds. Permits are counted at <paramref name="At"/> in the same transaction.
/// </summary>
public sealed record Mark(QueuedMail Ticket, int Recipients, int AccountPermits, int GlobalPermits, long At) : StoreWrite(Ticket)
{
    /// <summary>What the tenant's limits are counted under.</summary>
    public AccountKey Tenant { get; init; }

    public int TenantPermits { get; init; }
}

/// <summary>How an attempt ended. Does nothing when the ticket is stale.</summary>
/// <param name="Marked">The row must be in state sending; else it must be ready.</param>
/// <param name="State">The message's state from now on.</param>
/// <param name="Attempts">Attempts that counted, from now on.</param>
public sealed record Settlement(
    QueuedMail Ticket,
    bool Marked,
    MessageState State,
    QueueStep Step,
    int Attempts,
    IReadOnlyList<RecipientUpdate> Recipients,
    IReadOnlyList<NewEvent> Events,
    bool PossibleDuplicate,
    long At
) : StoreWrite(Ticket);

/// <summary>What becomes of the queue's row: a closed set.</summary>
public abstract record QueueStep
{
    private QueueStep() { }

    /// <summary>Final: the row goes.</summary>
    public sealed record Remove : QueueStep;

    /// <summary>Ready again at <paramref name="Due"/> (0: at once).</summary>
    public sealed record Again(long Due, int Round, int Recipients) : QueueStep;

    /// <summary>Waits for a person.</summary>
    public sealed record Hold(string Reason, int Round, int Recipients) : QueueStep;
}

/// <param name="Tried">The recipient has had its turn in this round.</param>
public sealed record RecipientUpdate(int Ordinal, RecipientState State, bool Tried, int? SmtpCode, string? EnhancedCode, string? Reply);

/// <summary>
/// An event to append with the state. <paramref name="Detail"/>: the JSON members of <c>data</c> that only this event has
/// (<c>"recipients":[…],"next_attempt_at":…</c>), without braces; null: none.
/// </summary>
public sealed record NewEvent(EventType Type, MessageState Status, int Attempt, byte[]? Detail);

/// <summary>What a person may ask of a message.</summary>
public abstract record MessageChange
{
    private MessageChange() { }

    /// <summary>As the audit log names it.</summary>
    public abstract string ActionName { get; }

    public sealed record Cancel : MessageChange
    {
        public override string ActionName => "message.cancel";
    }

    /// <summary>Try now. Failed and expired messages are queued anew, for the recipients that were not accepted.</summary>
    /// <param name="ExpiresAt">The new expiry of a message that had expired.</param>
    public sealed record Retry(long ExpiresAt) : MessageChange
    {
        public override string ActionName => "message.retry";
    }

    public sealed record Hold : MessageChange
    {
        public override string ActionName => "message.hold";
    }

    public sealed record Release : MessageChange
    {
        public override string ActionName => "message.release";
    }

    /// <param name="ExpiresAt">The new expiry; null: it stays.</param>
    public sealed record Reschedule(long SendAt, long? ExpiresAt = null) : MessageChange
    {
        public override string ActionName => "message.reschedule";
    }
}

/// <summary>What a change came to: a closed set.</summary>
public abstract record ChangeResult
{
    private ChangeResult() { }

    /// <param name="Account">Whose lane to wake, and when: <see cref="long.MaxValue"/> for not at all.</param>
    public sealed record Done(MessageState State, AccountKey Account, long Due, long ExpiresAt) : ChangeResult;

    public sealed record NotFound : ChangeResult;

    /// <param name="Code">sending, already_final, not_held, …</param>
    public sealed record Conflict(string Code, MessageState State) : ChangeResult;

    public sealed record Purged : ChangeResult;
}

/// <param name="NextExpiry">When to come again; not after now when there is more.</param>
public readonly record struct ExpirySweep(int Expired, long NextExpiry);
