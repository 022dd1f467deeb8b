using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Flow;

// Resolve → Send.

/// <summary>
/// A mail with all that the transaction needs. <paramref name="Charge"/> is its share of the memory budget, returned on dispose.
/// </summary>
public sealed record ResolvedMail(DueMail Due, SmtpAccount Account, MailContent Content, IDisposable Charge)
{
    /// <summary>
    /// What was fetched, by the attachment's place in the message; null: that attachment is inline. Empty: all of them are. Its files end
    /// with <see cref="Charge"/>.
    /// </summary>
    public IReadOnlyList<LocalContent?> Files { get; init; } = [];

    /// <summary>What stands at the foot of the mail instead of attachments that are too large for it.</summary>
    public IReadOnlyList<FileLink> Links { get; init; } = [];
}

/// <summary>A stored mail, loaded for one transaction.</summary>
public sealed record MailContent
{
    public required MessageKey Key { get; init; }

    /// <summary>The account that the message goes by, or went by last.</summary>
    public required AccountKey Account { get; init; }

    /// <summary>The pool that it names; null: it goes by its account.</summary>
    public PoolKey? Pool { get; init; }

    public required string EnvelopeSender { get; init; }
    public required string MessageIdHeader { get; init; }

    /// <summary>The Date header, and when the client's request was accepted.</summary>
    public required long CreatedAt { get; init; }

    public required AmbiguousPolicy OnAmbiguous { get; init; }

    /// <summary>The draft as UTF-8 JSON.</summary>
    public required ReadOnlyMemory<byte> Json { get; init; }

    /// <summary>Where the octets of its long strings are; null: all are in the JSON.</summary>
    public SpooledBody? Spooled { get; init; }

    /// <summary>Bytes of the draft, those in a file included.</summary>
    public long Size => Json.Length + (Spooled?.Size ?? 0);

    /// <summary>Attachments whose content is fetched just before the attempt.</summary>
    public int Sources { get; init; }

    /// <summary>The recipients of this transaction.</summary>
    public required IReadOnlyList<SliceRecipient> Slice { get; init; }

    /// <summary>Those of the slice that the tenant's suppression list keeps the mail from: it goes out only without them.</summary>
    public IReadOnlyList<SuppressedRecipient> Suppressed { get; init; } = [];

    public required MailStanding Standing { get; init; }

    /// <summary>Not before, when the client asked for that; times are measured from here.</summary>
    public long? SendAt { get; init; }

    /// <summary>The message's stored state before the mark; null: not known.</summary>
    public MessageState? State { get; init; }

    /// <summary>With the last slice of a round: the recipients of its earlier slices, for the event that ends the round.</summary>
    public IReadOnlyList<RecipientView> Earlier { get; init; } = [];

    /// <summary>The trace that it belongs to; null: none.</summary>
    public TraceContext? Trace { get; init; }

    /// <summary>For an outcome: Report decides by standing and verdicts, and the body must not wait there.</summary>
    public MailContent Bodiless() => this with { Json = ReadOnlyMemory<byte>.Empty, Spooled = null };
}

/// <summary>One RCPT of a transaction; <paramref name="Ordinal"/> is its place in the message.</summary>
public readonly record struct SliceRecipient(int Ordinal, string Address);

/// <summary>
/// How the message stands apart from the slice, so that the verdict needs no second look at the store. Valid from the mark to the outcome,
/// when nobody else may change the message.
/// </summary>
/// <param name="Round">Failed rounds so far: the index into the retry schedule.</param>
/// <param name="Attempts">Attempts that counted, so far.</param>
/// <param name="Rest">Recipients outside the slice that still want this round.</param>
/// <param name="Deferred">Recipients outside the slice that were put off in this round.</param>
/// <param name="Sent">Recipients already accepted.</param>
/// <param name="Failed">Recipients already refused for good.</param>
/// <param name="Ambiguous">Recipients closed as ambiguous (assume_sent).</param>
/// <param name="PossibleDuplicate">An earlier attempt was ambiguous.</param>
public readonly record struct MailStanding(
    int Round,
    int Attempts,
    int Rest,
    int Deferred,
    int Sent,
    int Failed,
    int Ambiguous,
    bool PossibleDuplicate,
    long ExpiresAt
);

/// <summary>A recipient that a suppression list keeps mail from, and why.</summary>
public readonly record struct SuppressedRecipient(int Ordinal, string Address, string Reason);
