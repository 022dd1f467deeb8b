using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>
/// What an edge that speaks the contract of another program keeps beside what is configured, and how it looks at messages.
/// </summary>
public interface ICompatStore
{
    /// <summary>JSON that was kept; null: none. Encrypted by the implementation.</summary>
    /// <param name="tenant">Empty: of the installation.</param>
    Task<string?> DocumentAsync(string tenant, string kind, string id);

    /// <summary>All documents of a kind, by id.</summary>
    Task<IReadOnlyDictionary<string, string>> DocumentsAsync(string tenant, string kind);

    /// <summary>Keeps a document instead of the one before; null: removes it.</summary>
    Task KeepAsync(string tenant, string kind, string id, string? document);

    /// <summary>Notes a command; of each tenant the last ones are kept.</summary>
    Task AppendCommandAsync(CompatCommand command);

    /// <summary>Commands, oldest first: the first <paramref name="limit"/> of those that match.</summary>
    /// <param name="offset">How many that match are passed over before.</param>
    Task<IReadOnlyList<CompatCommand>> CommandsAsync(CompatCommandFilter filter, int limit, long offset = 0);

    /// <summary>One command; null: there is none.</summary>
    Task<CompatCommand?> CommandAsync(long id);

    /// <summary>Forgets the commands before a time (Unix milliseconds). Returns how many.</summary>
    Task<int> ForgetCommandsAsync(long before);

    /// <summary>Numbers of a tenant's messages that are not hidden, by priority, time of creation and id.</summary>
    /// <param name="tenant">Null: of all tenants.</param>
    /// <param name="activeOnly">Only those that are not final.</param>
    Task<IReadOnlyList<long>> MessagesAsync(string? tenant, bool activeOnly);

    /// <summary>The number of a message that is not hidden; null: there is none.</summary>
    Task<long?> NumberAsync(string tenant, string id);

    /// <summary>One message with its events and its content; null when it is gone.</summary>
    /// <param name="historyOf">The webhook whose acknowledgements the events are shown with; null: without events.</param>
    Task<CompatMessage?> MessageAsync(long number, string? historyOf);

    /// <summary>How many of a tenant's messages are not final.</summary>
    /// <param name="tenant">Null: of all tenants.</param>
    /// <param name="batch">Only of this batch; null: of all.</param>
    Task<long> CountPendingAsync(string? tenant, string? batch);

    /// <summary>The ids of a tenant's suspended batches, in order.</summary>
    Task<IReadOnlyList<string>> SuspendedBatchesAsync(string tenant);

    /// <summary>When a tenant's accounts were made and changed last, Unix milliseconds, by id.</summary>
    Task<IReadOnlyDictionary<string, (long CreatedAt, long UpdatedAt)>> AccountTimesAsync(string tenant);

    /// <summary>Removes messages with all that there is of them, so that their ids are free and no report tells of them. What is being sent
    /// at this moment stays.</summary>
    Task<IReadOnlyList<CompatRemoval>> RemoveAsync(string tenant, IReadOnlyList<string> ids, string actor);

    /// <summary>The same with all of a tenant's messages that are not final. Returns how many are being sent at this moment.</summary>
    Task<int> RemovePendingAsync(string tenant, string actor);

    /// <summary>Messages that are not final and wait in the lane of an account, by number, after one.</summary>
    Task<IReadOnlyList<(long Number, string Id)>> WaitingAsync(AccountKey account, long after, int limit);

    /// <summary>Hides a tenant's final messages that a webhook had acknowledged at a time (Unix milliseconds). Returns how many.</summary>
    Task<int> HideReportedAsync(string tenant, string webhook, long before);
}

/// <summary>A command of another program's client, as it is logged.</summary>
/// <param name="Id">Given by the store.</param>
/// <param name="At">Unix milliseconds.</param>
/// <param name="Payload">JSON without secrets and bodies.</param>
/// <param name="Status">The HTTP status of its answer.</param>
public sealed record CompatCommand(long Id, long At, string Endpoint, string? Tenant, string Payload, int Status);

/// <param name="Endpoint">A part of its name.</param>
/// <param name="Since">Unix milliseconds, included.</param>
/// <param name="Until">Unix milliseconds, included.</param>
public sealed record CompatCommandFilter(string? Tenant, string? Endpoint, long? Since, long? Until);

/// <summary>A message as such an edge lists it.</summary>
/// <param name="Json">The stored draft; null: it was purged, or its file is gone.</param>
/// <param name="LastAt">When the last event was, Unix milliseconds.</param>
/// <param name="Last">The last event's type and detail; null: none is kept.</param>
/// <param name="Events">Empty when they were not asked for.</param>
public sealed record CompatMessage(
    MessageView View,
    ReadOnlyMemory<byte>? Json,
    long LastAt,
    (EventType Type, ReadOnlyMemory<byte> Detail)? Last,
    IReadOnlyList<CompatEvent> Events
);

/// <param name="ReportedAt">When it was acknowledged, Unix milliseconds; null: not yet, or nobody knows.</param>
public sealed record CompatEvent(
    long Position,
    EventType Type,
    long At,
    MessageState Status,
    ReadOnlyMemory<byte> Detail,
    long? ReportedAt
);

/// <summary>What became of a message that was to be removed.</summary>
public enum CompatRemoval : byte
{
    Removed = 0,
    NotFound = 1,

    /// <summary>It is being sent at this moment.</summary>
    Busy = 2,
}
