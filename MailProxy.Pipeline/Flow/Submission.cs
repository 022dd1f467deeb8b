using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Flow;

// Api → Ingest. As in all of this folder, times are Unix milliseconds.

/// <summary>
/// One request: its drafts, and the promise of an answer. It is withdrawn (503, never stored) or taken (just before BEGIN), never both.
/// </summary>
public sealed class Submission(string tenant, IReadOnlyList<Draft> drafts, IdempotencyClaim? idempotency)
{
    private const int Offered = 0,
        Taken = 1,
        Withdrawn = 2;

    private readonly TaskCompletionSource<SubmissionAnswer> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _state;
    private IDisposable? _place,
        _disk;

    public string Tenant { get; } = tenant;
    public IReadOnlyList<Draft> Drafts { get; } = drafts;
    public IdempotencyClaim? Idempotency { get; } = idempotency;

    /// <summary>The trace that the request belongs to; null: none. All its messages belong to it.</summary>
    public TraceContext? Trace { get; set; }

    /// <summary>Completes after the commit, or with <see cref="SubmissionAnswer.Unavailable"/>.</summary>
    public Task<SubmissionAnswer> Answer => _answer.Task;

    public bool IsWithdrawn => Volatile.Read(ref _state) == Withdrawn;

    /// <summary>Its place among all that wait, given back when it waits no longer. Before it is handed over.</summary>
    public void Occupy(IDisposable place) => _place = place;

    /// <summary>What its files are charged with, given back with them. Before it is handed over.</summary>
    public void OnDisk(IDisposable charge) => _disk = charge;

    /// <summary>The store's writer takes it; from then on the endpoint awaits the commit however long it takes.</summary>
    public bool TryTake() => Leave(Taken);

    /// <summary>The endpoint gives up; true means it was never stored and never will be.</summary>
    public bool TryWithdraw() => Leave(Withdrawn);

    /// <summary>Whoever has it wants nothing more of its files. Those that are finished stay.</summary>
    public void DropFiles()
    {
        foreach (var draft in Drafts)
            draft.Spooled?.Dispose();
        _disk?.Dispose();
    }

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
public sealed record Draft(MailDraft? Mail, ReadOnlyMemory<byte> Json, Problem? Problem)
{
    /// <summary>Long strings that are not in the JSON; null: there are none. Whoever has the submission disposes them.</summary>
    public SpooledStrings? Spooled { get; init; }
}

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
