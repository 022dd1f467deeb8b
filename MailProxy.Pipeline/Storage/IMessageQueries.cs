using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Search;

namespace MailProxy.Pipeline.Storage;

/// <summary>Queries about messages. Reads only.</summary>
public interface IMessageQueries
{
    Task<MessageView?> GetAsync(MessageKey key);

    /// <summary>Newest first, by keyset: <paramref name="before"/> is <see cref="MessagePage.Next"/> of the previous page, or
    /// null.</summary>
    Task<MessagePage> ListAsync(MessageFilter filter, int limit, long? before);

    /// <summary>How many messages below a number match, as far as one step of counting comes.</summary>
    Task<MessageCount> CountAsync(MessageFilter filter, long before);

    /// <summary>The number of the newest message; 0: there is none.</summary>
    Task<long> NewestAsync();

    /// <summary>The messages whose Message-ID header is this one, with its brackets; pages as <see cref="ListAsync"/>.</summary>
    /// <param name="tenant">Null: every tenant's.</param>
    Task<MessagePage> ByMessageIdAsync(string? tenant, string messageId, int limit, long? before);

    /// <summary>Where a message that is ready and due stands in its lane; null: it is not.</summary>
    Task<LanePosition?> PositionAsync(long number, long now);

    /// <summary>A message's events after this sequence; null when there is no such message.</summary>
    Task<IReadOnlyList<MailEvent>?> EventsAsync(MessageKey key, int afterSequence, int limit);

    /// <summary>What is kept of a message's attempts, oldest first; null when there is no such message.</summary>
    Task<IReadOnlyList<MailAttemptView>?> AttemptsAsync(MessageKey key);

    /// <summary>Bytes of the message's stored JSON; null when there is no such message, or its body was purged.</summary>
    Task<long?> BodySizeAsync(MessageKey key);

    /// <summary>
    /// The content for the composer; null when there is no such message. Throws <see cref="BodyPurgedException"/> when the body was
    /// purged, and
    /// <see cref="BodyMissingException"/> when its file was lost.
    /// </summary>
    Task<MailContent?> ContentAsync(MessageKey key);

    /// <summary>
    /// How much mail waits, by state and priority, which is kept and not counted; and how long, which is looked up for each lane that has
    /// ready mail. Just after a start it waits until everything is counted once.
    /// </summary>
    /// <param name="isExcused">Lanes whose mail waits for a known reason: it is not overdue. Null: none.</param>
    Task<QueueCounts> CountsAsync(long now, Func<LaneKey, bool>? isExcused = null);
}

/// <summary>One page of a list.</summary>
/// <param name="Messages">May be fewer than requested, or none, when messages are large or few match; there may still be more.</param>
/// <param name="Next">Where the next page begins; null when this was the last.</param>
public sealed record MessagePage(IReadOnlyList<MessageView> Messages, long? Next)
{
    /// <summary>How many messages were looked at, when the page was cut because no index serves its filter; otherwise null.</summary>
    public int? Scanned { get; init; }
}

/// <summary>Where a message stands in its lane, by priority and time.</summary>
/// <param name="Ahead">Messages that go before it, those under way included; counted up to <see cref="Most"/>.</param>
/// <param name="More">There are more than that.</param>
public sealed record LanePosition(long Ahead, bool More)
{
    public const int Most = 10_000;
}

/// <summary>The message exists, but its body was purged (410).</summary>
public sealed class BodyPurgedException() : Exception("The message's body was purged.");

/// <param name="Tenant">Null: every tenant.</param>
public sealed record MessageFilter(
    string? Tenant,
    MessageState? Status = null,
    AccountKey? Account = null,
    string? Batch = null,
    string? Tag = null,
    string? To = null,
    Priority? Priority = null,
    long? CreatedAfter = null,
    long? CreatedBefore = null
)
{
    /// <summary>Only those that named this pool.</summary>
    public PoolKey? Pool { get; init; }

    /// <summary>Only those for which all of these hold.</summary>
    public IReadOnlyList<MessageTerm> Terms { get; init; } = [];

    /// <summary>It names an account or a pool that is not there.</summary>
    public bool MatchesNothing =>
        Terms.Any(static term => term is { Not: false } and (MessageTerm.ByAccount { Any: [] } or MessageTerm.InPool { Any: [] }));
}

/// <summary>Messages that match, by the state that people see.</summary>
/// <param name="Next">Where to go on; null: that was all.</param>
public sealed record MessageCount(IReadOnlyDictionary<MessageState, long> ByState, long? Next);

/// <summary>One message as the API shows it.</summary>
/// <param name="Number">The arrival number, which is the list's cursor.</param>
/// <param name="State">Sending while an attempt is marked; scheduled and deferred as stored.</param>
/// <param name="NextAttemptAt">When it is due, in states that wait for a time; otherwise null.</param>
public sealed record MessageView(
    long Number,
    MessageKey Key,
    MessageState State,
    int Revision,
    AccountKey Account,
    Priority Priority,
    string EnvelopeSender,
    string? Subject,
    long CreatedAt,
    long? SendAt,
    long ExpiresAt,
    long? NextAttemptAt,
    int Attempts,
    string? HoldReason,
    bool PossibleDuplicate,
    string MessageIdHeader,
    string? Batch,
    string? Tags,
    string? Metadata,
    AmbiguousPolicy OnAmbiguous,
    IReadOnlyList<RecipientView> Recipients
)
{
    /// <summary>The pool whose accounts it may go by; null: it goes by its account. Then the account is the last that it went by.</summary>
    public PoolKey? Pool { get; init; }

    /// <summary>The lane that it waits in, of a pool's mail perhaps that of one account; null: it is final.</summary>
    public LaneKey? WaitsIn { get; init; }

    /// <summary>Of a pool's mail: ids of accounts that it may not go by, with commas between; null: none.</summary>
    public string? NotBy { get; init; }

    /// <summary>It waits for the account's limit of a domain that it goes to.</summary>
    public bool ForDestination { get; init; }

    /// <summary>The lane that it waits in.</summary>
    public LaneKey Lane => WaitsIn ?? (Pool is { } pool ? Lanes.Of(pool) : Lanes.Of(Account));

    /// <summary>Whether it waits because a person suspended its batch.</summary>
    public bool BatchSuspended { get; init; }

    /// <summary>Why it was deferred when that was no server's reply: trouble of a source, or of our own.</summary>
    public string? Reason { get; init; }
}

/// <param name="OldestDue">The due time of the oldest ready mail, or null.</param>
/// <param name="Overdue">Ready mails whose due time passed more than a minute ago; beyond <see cref="QueueCounts.MostOverdue"/> in a lane
/// they are not counted.</param>
public sealed record QueueCounts(IReadOnlyList<(MessageState State, Priority Priority, long Count)> Depth, long? OldestDue, long Overdue)
{
    /// <summary>Ready mail is overdue when it waits longer than this (milliseconds).</summary>
    public const long OverdueAfter = 60_000;

    /// <summary>Overdue mails that are counted, of one lane and of all: more would tell nothing else, and take long.</summary>
    public const int MostOverdue = 10_000;

    /// <summary>
    /// <see cref="Overdue"/> by lane, so that lanes that wait for a known reason (paused, parked, at a limit) can be left out.
    /// </summary>
    public IReadOnlyList<(LaneKey Lane, long Count)> OverdueByLane { get; init; } = [];

    /// <summary><see cref="OldestDue"/> of each lane that has ready mail which is due.</summary>
    public IReadOnlyList<(LaneKey Lane, long Due)> OldestDueByLane { get; init; } = [];

    /// <summary>The due time of the oldest ready mail that waits for no known reason; null: there is none.</summary>
    public long? OldestHeldUp { get; init; }
}
