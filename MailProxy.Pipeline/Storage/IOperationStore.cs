using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>Operations: one action on all messages that a search finds, in steps, which a restart does not end.</summary>
public interface IOperationStore
{
    /// <summary>Adds one that runs; the audit log notes it. False: one of its id is there, or what it undoes is undone already.</summary>
    Task<bool> AddAsync(Operation operation);

    Task<Operation?> FindAsync(string tenant, string id);

    /// <summary>Newest first, by keyset: <paramref name="before"/> is a number, or null.</summary>
    /// <param name="tenant">Null: of all tenants.</param>
    Task<IReadOnlyList<Operation>> ListAsync(string? tenant, int limit, long? before);

    /// <summary>All that run, oldest first.</summary>
    Task<IReadOnlyList<Operation>> RunningAsync();

    /// <summary>
    /// Makes the changes of one step and notes how far it is, in one transaction. Null: it does not run any more, and nothing was changed.
    /// </summary>
    Task<IReadOnlyList<ChangeResult>?> StepAsync(Operation operation, OperationStep step);

    /// <summary>Ends one that runs; what it has changed stays changed. False: it does not run.</summary>
    /// <param name="trouble">Why it cannot go on; null: a person stopped it.</param>
    Task<bool> EndAsync(Operation operation, string? trouble, string actor, long now);

    /// <summary>What an operation changed and how it was before, newest message first, below a number.</summary>
    Task<IReadOnlyList<ChangedMessage>> ChangedAsync(long operation, long before, int limit);

    /// <summary>
    /// Forgets how messages were before operations, and operations themselves, that ended before a time (Unix milliseconds). Returns how
    /// many rows; the rest is for the next call.
    /// </summary>
    Task<int> ForgetAsync(long undoable, long kept, int limit);
}

/// <summary>What an operation does to each message.</summary>
public enum BulkAction : byte
{
    Cancel = 0,
    Retry = 1,
    Hold = 2,
    Release = 3,
    Reroute = 4,
    Reschedule = 5,
}

public enum OperationState : byte
{
    Running = 0,
    Done = 1,
    Stopped = 2,
    Failed = 3,
}

/// <summary>One action on all messages that a search finds.</summary>
/// <param name="Number">Given by the store.</param>
/// <param name="Search">The text of the search; empty in one that undoes another.</param>
/// <param name="Details">JSON: where to, until when.</param>
/// <param name="AskedAt">When its effect was shown, Unix milliseconds; ages in the search are reckoned from then.</param>
/// <param name="Through">The newest message that it is about.</param>
/// <param name="Expected">How many messages the search found then.</param>
public sealed record Operation(
    long Number,
    string Tenant,
    string Id,
    BulkAction Action,
    string Search,
    string Details,
    long AskedAt,
    long Through,
    long Expected,
    string Actor,
    long CreatedAt
)
{
    public OperationState State { get; init; }

    /// <summary>Messages below this number are still to be looked at.</summary>
    public long Cursor { get; init; } = Through + 1;

    /// <summary>Messages that it changed.</summary>
    public long Changed { get; init; }

    /// <summary>Messages that could not be changed, because of their state or their route.</summary>
    public long Refused { get; init; }

    /// <summary>Unix milliseconds; null: it runs.</summary>
    public long? EndedAt { get; init; }

    /// <summary>The operation that it undoes.</summary>
    public long? Undoes { get; init; }

    /// <summary>The id of the operation that undid it.</summary>
    public string? UndoneBy { get; init; }

    /// <summary>Why it failed.</summary>
    public string? Trouble { get; init; }
}

/// <summary>Some of an operation's messages.</summary>
/// <param name="Refused">Messages for which no change could be made out.</param>
/// <param name="Cursor">Where the next step goes on; null: this is the last one.</param>
public sealed record OperationStep(IReadOnlyList<PlannedChange> Changes, int Refused, long? Cursor, long Now);

/// <param name="Before">How to undo it, JSON; null: it cannot be undone.</param>
public sealed record PlannedChange(long Number, MessageKey Key, MessageChange Change, string? Before);

/// <param name="Before">How it was, JSON.</param>
public sealed record ChangedMessage(long Number, MessageKey Key, string Before);
