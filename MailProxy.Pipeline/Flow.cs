using System.Threading.RateLimiting;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline;

// What passes between the stages, top to bottom in flow order. All times are Unix milliseconds.

// ── Api → Ingest ────────────────────────────────────────────────────────────────────────────────

/// <summary>
/// One request: its drafts, and the promise of an answer. It is withdrawn (503, never stored) or taken (just before BEGIN), never both.
/// </summary>
public sealed class Submission(string tenant, IReadOnlyList<Draft> drafts, long bytes, IdempotencyClaim? idempotency)
{
    private const int Offered = 0,
        Taken = 1,
        Withdrawn = 2;

    private readonly TaskCompletionSource<SubmissionAnswer> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _state;
    private IDisposable? _place;

    public string Tenant { get; } = tenant;
    public IReadOnlyList<Draft> Drafts { get; } = drafts;
    public long Bytes { get; } = bytes;
    public IdempotencyClaim? Idempotency { get; } = idempotency;

    /// <summary>Completes after the commit, or with <see cref="SubmissionAnswer.Unavailable"/>.</summary>
    public Task<SubmissionAnswer> Answer => _answer.Task;

    public bool IsWithdrawn => Volatile.Read(ref _state) == Withdrawn;

    /// <summary>Its place among all that wait, given back when it waits no longer. Before it is handed over.</summary>
    public void Occupy(IDisposable place) => _place = place;

    /// <summary>The store's writer takes it; from then on the endpoint awaits the commit however long it takes.</summary>
    public bool TryTake() => Leave(Taken);

    /// <summary>The endpoint gives up; true means it was never stored and never will be.</summary>
    public bool TryWithdraw() => Leave(Withdrawn);

    public void Complete(SubmissionAnswer answer)
    {
        _answer.TrySetResult(answer);
        _place?.Dispose();
    }

    private bool Leave(int state)
    {
        if (Interlocked.CompareExchange(ref _state, state, Offered) != Offered)
            return false;
        _place?.Dispose();
        return true;
    }
}

/// <summary>
/// One message of a request: bound (<see cref="Mail"/>, with its JSON as UTF-8, defaults merged), or already refused by the binder.
/// </summary>
public sealed record Draft(MailDraft? Mail, ReadOnlyMemory<byte> Json, Problem? Problem);

/// <summary>
/// An Idempotency-Key to record with the messages. <paramref name="Render"/> is pure and makes the answer to keep, or null when it is not a
/// 2xx.
/// </summary>
public sealed record IdempotencyClaim(string Key, byte[] Fingerprint, Func<IReadOnlyList<ReceiptLine>, StoredAnswer?> Render);

/// <summary>An HTTP answer as it was first given.</summary>
public sealed record StoredAnswer(int Status, byte[] Body);

/// <summary>What became of a submission: a closed set.</summary>
public abstract record SubmissionAnswer
{
    private SubmissionAnswer() { }

    /// <summary>Committed; one line a draft, in request order.</summary>
    public sealed record Stored(IReadOnlyList<ReceiptLine> Lines) : SubmissionAnswer;

    /// <summary>The idempotency key was used before with the same request.</summary>
    public sealed record Replayed(StoredAnswer Answer) : SubmissionAnswer;

    /// <summary>The idempotency key was used before with another request.</summary>
    public sealed record KeyReused : SubmissionAnswer;

    /// <summary>Nothing of it was stored.</summary>
    public sealed record Unavailable(string Reason) : SubmissionAnswer;
}

/// <summary>What became of one draft: an id and a state, or a problem (then the id only if the client gave one).</summary>
public sealed record ReceiptLine(string? Id, MessageState State, long CreatedAt, Problem? Problem = null);

// ── Ingest → Persist ────────────────────────────────────────────────────────────────────────────

/// <summary>A submission, judged: one line a draft, in request order. Stored whole or not at all.</summary>
public sealed record AcceptedBatch(Submission Submission, IReadOnlyList<AcceptedLine> Lines);

/// <summary>An accepted mail, or the problem that refuses it.</summary>
public readonly record struct AcceptedLine(AcceptedMail? Mail, string? Id, Problem? Problem);

/// <summary>A mail that may be stored as it is.</summary>
public sealed record AcceptedMail
{
    public required MessageKey Key { get; init; }

    /// <summary>SHA-256 of the draft's canonical JSON; null when the id was made here and so cannot come again.</summary>
    public byte[]? ContentHash { get; init; }

    /// <summary>The same of <c>raw</c> as it came, which is what former versions kept; null: it came in the octets of the wire.</summary>
    public byte[]? HashAsWritten { get; init; }

    public required AccountKey Account { get; init; }
    public required Priority Priority { get; init; }

    /// <summary>RFC 5321 reverse-path, bare address; "" is the null reverse-path.</summary>
    public required string EnvelopeSender { get; init; }

    /// <summary>RCPT addresses in the order to, cc, bcc, each once.</summary>
    public required IReadOnlyList<string> Recipients { get; init; }

    public string? Subject { get; init; }
    public required long CreatedAt { get; init; }

    /// <summary>Not before; null: by arrival.</summary>
    public long? SendAt { get; init; }

    public required long ExpiresAt { get; init; }

    /// <summary>The Message-ID header, with angle brackets; the same in every attempt.</summary>
    public required string MessageIdHeader { get; init; }

    public string? Batch { get; init; }

    /// <summary>JSON array of strings, or null.</summary>
    public string? Tags { get; init; }

    /// <summary>JSON object, or null.</summary>
    public string? Metadata { get; init; }

    public AmbiguousPolicy OnAmbiguous { get; init; }
    public required StoredBody Body { get; init; }

    /// <summary>Attachments whose content is fetched just before the attempt.</summary>
    public int Sources { get; init; }

    /// <summary>
    /// Attachments, by their place in the list, and the volumes that they name. The commit asks whether those are still there.
    /// </summary>
    public IReadOnlyList<(int Attachment, string Volume)> Volumes { get; init; } = [];
}

/// <summary>A draft's JSON as UTF-8: in the row, or, when larger than 256 KB, in a spool file that is already synced.</summary>
/// <param name="SpoolFile">File name below the spool directory, or null.</param>
public readonly record struct StoredBody(ReadOnlyMemory<byte> Inline, string? SpoolFile, long Size);

// ── Persist → Schedule ──────────────────────────────────────────────────────────────────────────

/// <summary>A ticket: one queued mail without its body. Whoever holds it has claimed the mail in the store.</summary>
/// <param name="Id">Arrival number, the store's own id.</param>
/// <param name="Attempt">Compared at the mark; raised whenever an attempt ends, so that an old ticket is stale.</param>
/// <param name="Due">0: by arrival; else not before this time.</param>
/// <param name="Recipients">How many recipients still want this round.</param>
public readonly record struct QueuedMail(long Id, int Revision, LaneKey Lane, Priority Priority, int Attempt, long Due, int Recipients);

// ── Schedule → Resolve ──────────────────────────────────────────────────────────────────────────

/// <summary>
/// The right to try one mail once. Disposed without <see cref="Spend"/> it gives every permit back, the installation's too.
/// </summary>
public abstract class SendPermit : RateLimitLease
{
    /// <summary>Permits held, and under which keys they count once they are spent.</summary>
    public virtual PermitCounts Counts => PermitCounts.None;

    /// <summary>Recipients that it was taken for: the transaction must not carry more.</summary>
    public virtual int MaxRecipients => int.MaxValue;

    /// <summary>
    /// Why there is no permit, when <see cref="RateLimitLease.IsAcquired"/> is false: the account's limit says that a mail fails rather
    /// than waits, so it is to be reported as <see cref="Outcome.Unsendable"/>.
    /// </summary>
    public virtual string? Refusal => null;

    /// <summary>The body begins: what is held counts as used from now on.</summary>
    public abstract void Spend();
}

/// <summary>A mail whose turn has come, and the account that it goes by: that is chosen with the permit.</summary>
public readonly record struct DueMail(QueuedMail Ticket, AccountKey Account, SendPermit Permit);

// ── Resolve → Send ──────────────────────────────────────────────────────────────────────────────

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

    public required string EnvelopeSender { get; init; }
    public required string MessageIdHeader { get; init; }

    /// <summary>The Date header, and when the client's request was accepted.</summary>
    public required long CreatedAt { get; init; }

    public required AmbiguousPolicy OnAmbiguous { get; init; }

    /// <summary>The draft as UTF-8 JSON.</summary>
    public required ReadOnlyMemory<byte> Json { get; init; }

    /// <summary>Attachments whose content is fetched just before the attempt.</summary>
    public int Sources { get; init; }

    /// <summary>The recipients of this transaction.</summary>
    public required IReadOnlyList<SliceRecipient> Slice { get; init; }

    public required MailStanding Standing { get; init; }

    /// <summary>Not before, when the client asked for that; times are measured from here.</summary>
    public long? SendAt { get; init; }

    /// <summary>The message's stored state before the mark; null: not known.</summary>
    public MessageState? State { get; init; }

    /// <summary>With the last slice of a round: the recipients of its earlier slices, for the event that ends the round.</summary>
    public IReadOnlyList<Storage.RecipientView> Earlier { get; init; } = [];

    /// <summary>For an outcome: Report decides by standing and verdicts, and the body must not wait there.</summary>
    public MailContent Bodiless() => this with { Json = ReadOnlyMemory<byte>.Empty };
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

// ── Send, Resolve → Report ──────────────────────────────────────────────────────────────────────

/// <summary>What became of one attempt: a closed set. Whoever sends it has disposed the permit.</summary>
public abstract record Outcome(QueuedMail Ticket)
{
    /// <summary>The attempt as it was noted; null: its body never began.</summary>
    public Storage.Mark? Mark { get; init; }

    /// <summary>The transaction ended and every recipient of the slice has a verdict.</summary>
    public sealed record Attempted(QueuedMail Ticket, MailContent Content, IReadOnlyList<RecipientVerdict> Verdicts) : Outcome(Ticket)
    {
        /// <summary>Some have a verdict, and then the account got into trouble: the others go again when that is over.</summary>
        public AccountTrouble? Trouble { get; init; }
    }

    /// <summary>The account, not the message, is to blame. <paramref name="Content"/> is set when the body had begun.</summary>
    public sealed record AccountToBlame(QueuedMail Ticket, AccountTrouble Trouble, MailContent? Content) : Outcome(Ticket);

    /// <summary>Begun, and let go because the program stops, before anybody had an answer: as if it had not been tried.</summary>
    public sealed record Released(QueuedMail Ticket, MailContent Content) : Outcome(Ticket);

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

    /// <summary>
    /// An attachment is still on its way: nothing is written; the ticket was set aside with <see cref="Wake.SetAside"/> and comes back by
    /// <see cref="Wake.Return"/>.
    /// </summary>
    public sealed record NotYet(QueuedMail Ticket) : Outcome(Ticket);

    /// <summary>The ticket was stale, or the mark could not be written: nothing is written, the claim ends.</summary>
    public sealed record Dropped(QueuedMail Ticket) : Outcome(Ticket);
}

/// <summary>What the server said of one recipient.</summary>
public enum Verdict : byte
{
    Accepted = 0,
    Deferred = 1,
    Refused = 2,

    /// <summary>The body went out and no reply is known.</summary>
    InDoubt = 3,

    /// <summary>
    /// Not offered in this transaction (too many recipients), or not answered before it ended: goes out in the next, and loses no attempt.
    /// </summary>
    NotTried = 4,
}

/// <param name="SmtpCode">Reply code, or null when none was received.</param>
/// <param name="EnhancedCode">RFC 3463 code, ours when the server gave none.</param>
/// <param name="RetryAfter">A delay that the reply named.</param>
public sealed record RecipientVerdict(
    int Ordinal,
    string Address,
    Verdict Verdict,
    int? SmtpCode,
    string? EnhancedCode,
    string? Reply,
    TimeSpan? RetryAfter = null
);

/// <summary>What is wrong with an account.</summary>
public enum TroubleKind : byte
{
    Connect = 0,
    Tls = 1,
    Greeting = 2,
    Authentication = 3,
    Throttled = 4,
    Protocol = 5,
    Configuration = 6,
}

/// <summary>Why an account backs off.</summary>
public sealed record AccountTrouble(
    AccountKey Account,
    TroubleKind Kind,
    int? SmtpCode,
    string? EnhancedCode,
    string Reply,
    TimeSpan? RetryAfter = null
);
