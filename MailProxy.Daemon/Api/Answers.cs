using System.Text.Json;
using System.Text.Json.Serialization;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Daemon.Api;

// The shapes of all answers, as the HTTP contract names them (snake_case on the wire, absent when null).

/// <summary>RFC 9457, with our members.</summary>
/// <param name="Id">The message that a conflict is about.</param>
/// <param name="MessageStatus">The state that forbids what was asked.</param>
/// <param name="Reasons">With <c>not_ready</c>: every reason why nothing is taken.</param>
public sealed record ProblemAnswerBody(
    string Type,
    string Title,
    int Status,
    string Detail,
    string Code,
    IReadOnlyList<FieldErrorAnswer>? Errors = null,
    string? Id = null,
    string? MessageStatus = null,
    string? RequestId = null,
    IReadOnlyList<NotReadyAnswer>? Reasons = null
);

/// <param name="Pointer">JSON pointer into the request (RFC 6901); for a query parameter, a slash and its name.</param>
public sealed record FieldErrorAnswer(string Pointer, string Code, string Detail);

public sealed record Receipt(string Id, string Status, DateTime CreatedAt);

/// <summary>One message of a batch: <c>id</c> and <c>status</c>, or <c>error</c>.</summary>
public sealed record ReceiptItem(int Index, string? Id = null, string? Status = null, ProblemAnswerBody? Error = null);

public sealed record BatchReceipt(IReadOnlyList<ReceiptItem> Results);

public sealed record RecipientAnswer(string Email, string Status, int? SmtpCode, string? EnhancedCode, string? Reply);

/// <summary>Why a message waits.</summary>
/// <param name="Reason"><c>turn</c>, <c>attempt</c>, <c>person</c>, <c>send_at</c>, <c>retry</c>, <c>dispatcher_suspended</c>,
/// <c>batch_suspended</c>, or what its account's lane waits for.</param>
public sealed record WaitAnswer(string Reason, DateTime? Until = null, string? Detail = null);

public sealed record MessageAnswer(
    string Id,
    string Tenant,
    string Status,
    bool Final,
    int Revision,
    string? Account,
    string Priority,
    string ReturnPath,
    string? Subject,
    DateTime CreatedAt,
    DateTime? SendAt,
    DateTime ExpiresAt,
    DateTime? NextAttemptAt,
    int Attempts,
    string? HoldReason,
    bool PossibleDuplicate,
    string MessageIdHeader,
    string? Batch,
    JsonElement? Tags,
    JsonElement? Metadata,
    string OnAmbiguous,
    WaitAnswer? WaitingFor,
    IReadOnlyList<RecipientAnswer> Recipients
);

public sealed record MessageList(
    IReadOnlyList<MessageAnswer> Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? NextCursor
);

/// <summary>An event of the log; <c>data</c> is as webhooks get it.</summary>
public sealed record EventAnswer(string Id, int Sequence, string Type, DateTime Timestamp, JsonElement Data);

public sealed record EventList(
    IReadOnlyList<EventAnswer> Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? NextCursor
);

public sealed record AuthAnswer(string User, bool PasswordSet);

public sealed record LimitsAnswer(int? PerSecond, int? PerMinute, int? PerHour, int? PerDay, int? Burst, string Count, string WhenReached);

public sealed record DkimAnswer(string Domain, string Selector, bool PrivateKeySet);

public sealed record AccountAnswer(
    string Id,
    string Tenant,
    bool? Sandbox,
    string? Host,
    int? Port,
    string? Security,
    bool? VerifyCertificate,
    AuthAnswer? Auth,
    LimitsAnswer? Limits,
    int MaxConnections,
    int MaxMessagesPerConnection,
    int MaxRecipients,
    DkimAnswer? Dkim,
    IReadOnlyList<string> FromAllowed,
    LargeFilesAnswer? LargeFiles,
    long? ExpiresAfter,
    IReadOnlyList<double>? RetryMinutes,
    string? Description,
    bool Paused,
    WaitAnswer? WaitingFor
);

public sealed record AccountList(
    IReadOnlyList<AccountAnswer> Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? NextCursor
);

/// <summary>What a test of an account saw. Nothing was sent.</summary>
/// <param name="Stage">Where it ended: <c>connect</c>, <c>tls</c>, <c>greeting</c>, <c>authenticate</c>, <c>done</c>.</param>
/// <param name="Tls">The protocol and cipher, or null when the connection is not protected.</param>
/// <param name="Error">The server's words, or ours when there were none.</param>
public sealed record AccountTestAnswer(
    bool Ok,
    string Stage,
    bool Secure,
    string? Tls,
    bool Authenticated,
    IReadOnlyList<string> Extensions,
    int? SmtpCode,
    string? Error,
    double Milliseconds
);

/// <param name="Secret">Only in the answer that created the webhook or its new secret.</param>
public sealed record WebhookAnswer(
    string Id,
    string Tenant,
    string Url,
    IReadOnlyList<string> Types,
    string Style,
    bool FinalOnly,
    int MaxBatch,
    string Status,
    bool Paused,
    SourceAuthAnswer? Auth,
    bool SecretSet,
    string? Secret,
    DateTime? PreviousSecretUntil,
    long Backlog,
    bool? BacklogCapped,
    double LagSeconds,
    WebhookReplayAnswer? Replay,
    int Failures,
    DateTime? FailingSince,
    DateTime? DisabledAt,
    string? LastError
);

/// <summary>A replay under way: how many positions of the log it has before it.</summary>
public sealed record WebhookReplayAnswer(long Left);

/// <summary>What a test came to.</summary>
/// <param name="Error">Why not; absent when it answered with 2xx.</param>
public sealed record WebhookTestAnswer(bool Ok, double Milliseconds, string? Error);

public sealed record WebhookList(
    IReadOnlyList<WebhookAnswer> Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? NextCursor
);

/// <summary>How a source of files is asked; secrets only as set.</summary>
public sealed record SourceAuthAnswer(
    string? User = null,
    bool? PasswordSet = null,
    bool? BearerSet = null,
    string? Header = null,
    bool? ValueSet = null
)
{
    internal static SourceAuthAnswer? Of(SourceAuth? auth) =>
        auth switch
        {
            null => null,
            SourceAuth.Basic basic => new(basic.User, true),
            SourceAuth.Bearer => new(BearerSet: true),
            SourceAuth.Header header => new(Header: header.Name, ValueSet: true),
            _ => throw new ArgumentOutOfRangeException(nameof(auth)),
        };
}

/// <summary>What a test of a volume saw. Nothing was changed.</summary>
/// <param name="Status">The HTTP status, when there was an answer.</param>
/// <param name="Code">The store's own error code, or <c>gone</c>, <c>refused</c>, <c>down</c>.</param>
/// <param name="Objects">Files among the first 1,000; absent when the backend cannot list, or a path was asked for.</param>
/// <param name="Size">Bytes of the file that was asked for.</param>
public sealed record VolumeTestAnswer(
    bool Ok,
    int? Status,
    string? Code,
    long? Objects,
    bool? More,
    long? Size,
    string? Error,
    double Milliseconds
);

public sealed record LargeFilesAnswer(long Threshold, string Action, string? Volume, int LifetimeDays);

public sealed record AttachmentEndpointAnswer(string Url, SourceAuthAnswer? Auth);

/// <summary>What a tenant holds now of something that tenants share, and the most that it may hold now.</summary>
public sealed record ShareAnswer(long Held, long Allowed);

/// <param name="Active">False: sending is suspended, and all its mail waits.</param>
/// <param name="Shares">Its part of each thing that tenants share, at this moment.</param>
public sealed record TenantAnswer(
    string Id,
    string Name,
    bool Active,
    string? DefaultAccount,
    LimitsAnswer? Limits,
    long? ExpiresAfter,
    IReadOnlyList<double>? RetryMinutes,
    string? Retain,
    LargeFilesAnswer? LargeFiles,
    AttachmentEndpointAnswer? AttachmentEndpoint,
    IReadOnlyDictionary<string, ShareAnswer> Shares
);

public sealed record TenantList(
    IReadOnlyList<TenantAnswer> Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? NextCursor
);

/// <param name="LastUsedAt">Within a minute; absent: never.</param>
/// <param name="Key">Only in the answer that made it.</param>
public sealed record KeyAnswer(
    string Id,
    string Tenant,
    string Name,
    IReadOnlyList<string> Scopes,
    IReadOnlyList<string> AllowedNetworks,
    DateTime CreatedAt,
    DateTime? ExpiresAt,
    DateTime? LastUsedAt,
    string? Key
);

public sealed record KeyList(
    IReadOnlyList<KeyAnswer> Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? NextCursor
);

/// <summary>One line of the audit log.</summary>
/// <param name="Actor"><c>admin</c>, <c>key/&lt;tenant&gt;/&lt;id&gt;</c>, <c>mailproxy</c>, or <c>unknown</c> with a refused key that is
/// none of ours.</param>
/// <param name="Before">Secrets left out; absent: it was not there.</param>
/// <param name="After">Secrets left out; absent: it is gone.</param>
public sealed record AuditLine(
    long Number,
    DateTime At,
    string Actor,
    string Action,
    string Object,
    JsonElement? Before,
    JsonElement? After
);

/// <summary>A batch: whether its mail waits, and what has become of it.</summary>
/// <param name="Counts">Messages by status.</param>
public sealed record BatchAnswer(
    string Id,
    string Tenant,
    bool Suspended,
    DateTime? SuspendedAt,
    long Total,
    IReadOnlyDictionary<string, long> Counts
);

public sealed record BatchListItem(string Id, string Tenant, bool Suspended, DateTime? SuspendedAt);

public sealed record BatchList(
    IReadOnlyList<BatchListItem> Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? NextCursor
);

public sealed record DispatcherAnswer(bool Suspended);

/// <summary>A reason why nothing is taken.</summary>
/// <param name="Code"><c>not_running</c>, <c>store_unavailable</c>, <c>store_damaged</c>, <c>store_missing</c>, <c>spool_missing</c>,
/// <c>disk_low</c>.</param>
public sealed record NotReadyAnswer(string Code, string Detail)
{
    internal static IReadOnlyList<NotReadyAnswer>? Of(IReadOnlyList<NotReady>? reasons) =>
        reasons is { Count: > 0 } ? [.. reasons.Select(static r => new NotReadyAnswer(r.Code, r.Detail))] : null;
}

public sealed record RootAnswer(string Service, string Openapi, string Health, string Metrics, string Hint);

public sealed record HealthAnswer(string Status);

public sealed record StoreAnswer(bool Ok, string? Trouble);

public sealed record QueueDepthAnswer(string Status, string Priority, long Count);

public sealed record QueueAnswer(long Total, IReadOnlyList<QueueDepthAnswer> Depth, DateTime? OldestDueAt, long Overdue);

public sealed record AccountStatusAnswer(string Tenant, string Id, bool Paused, WaitAnswer? WaitingFor);

/// <param name="FloorBytes">Below it nothing is taken: <c>Ingest:MinFreeBytes</c>.</param>
public sealed record DiskAnswer(long FreeBytes, long FloorBytes);

/// <param name="NotReady">Why nothing is taken; absent when it is.</param>
public sealed record StatusAnswer(
    string Version,
    DateTime StartedAt,
    double UptimeSeconds,
    bool Ready,
    bool Suspended,
    IReadOnlyList<NotReadyAnswer>? NotReady,
    StoreAnswer Store,
    DiskAnswer Disk,
    QueueAnswer Queue,
    IReadOnlyList<AccountStatusAnswer> Accounts
);

/// <summary>A mail in the built-in catcher's mailbox.</summary>
public sealed record SandboxMailAnswer(long Id, DateTime ReceivedAt, string From, IReadOnlyList<string> To, string? Subject, long Size);

public sealed record SandboxList(
    IReadOnlyList<SandboxMailAnswer> Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? NextCursor
);

/// <summary>What an erasure came to.</summary>
/// <param name="Messages">Messages that named the person.</param>
/// <param name="Cancelled">Of them those that waited for nobody else and are never sent now.</param>
/// <param name="Sandbox">Mails that the built-in catcher forgot.</param>
/// <param name="Pending">Messages that are under way to others, or at this moment: erase again when they are final. 100 at most.</param>
/// <param name="PendingCount">How many those are.</param>
public sealed record ErasureAnswer(
    int Messages,
    int Cancelled,
    int Bodies,
    int Events,
    int Links,
    int Sandbox,
    IReadOnlyList<PendingErasureAnswer> Pending,
    int PendingCount
);

public sealed record PendingErasureAnswer(string Tenant, string Id, string Status);
