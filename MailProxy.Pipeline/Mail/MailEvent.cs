namespace MailProxy.Pipeline.Mail;

/// <summary>The types of events. Stored as a number: never renumber.</summary>
public enum EventType : byte
{
    MessageQueued = 0,
    MessageScheduled = 1,
    MessageHeld = 2,
    MessageReleased = 3,
    MessageReplaced = 4,
    MessageDeferred = 5,
    MessageSent = 6,
    MessagePartiallySent = 7,
    MessageFailed = 8,
    MessageAmbiguous = 9,
    MessageBounced = 10,
    MessageSuppressed = 11,
    MessageCancelled = 12,
    MessageExpired = 13,

    /// <summary>The recipient wants no more; the message's state stays.</summary>
    MessageUnsubscribed = 14,
    AccountThrottled = 40,
    AccountCircuitOpened = 41,
    AccountCircuitClosed = 42,
    AccountAuthFailed = 43,
    AccountSecretExpiring = 44,
    WebhookDisabled = 60,
}

/// <summary>One event of the log.</summary>
/// <param name="Position">The commit order of all events, which a webhook acknowledges.</param>
/// <param name="Sequence">Counts per message from 1 without gaps; 0 for events that are not about a message.</param>
/// <param name="Detail">JSON members of <c>data</c>, without braces, or empty.</param>
public sealed record MailEvent(
    long Position,
    EventType Type,
    long At,
    string Tenant,
    string? MessageId,
    int Sequence,
    MessageState Status,
    string? Account,
    int Attempt,
    string? Batch,
    string? Tags,
    string? Metadata,
    ReadOnlyMemory<byte> Detail
)
{
    private readonly string? _id;

    /// <summary>The id that clients see; assigned by the store.</summary>
    public string Id
    {
        get => _id ?? $"evt_{Position}";
        init => _id = value;
    }

    /// <summary>The message's; null: it is about none, or nobody asked.</summary>
    public Priority? Priority { get; init; }

    /// <summary>The trace that the message belongs to; null: none, or nobody asked.</summary>
    public TraceContext? Trace { get; init; }
}
