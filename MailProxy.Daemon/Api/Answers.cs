using System.Text.Json;
using System.Text.Json.Serialization;

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

/// <param name="Rule">The rule of a provider's profile that decided, as <c>profile/rule</c>; absent: none did.</param>
public sealed record RecipientAnswer(string Email, string Status, int? SmtpCode, string? EnhancedCode, string? Reply, string? Rule);

/// <summary>Why a message waits.</summary>
/// <param name="Reason"><c>turn</c>, <c>attempt</c>, <c>person</c>, <c>send_at</c>, <c>retry</c>, <c>dispatcher_suspended</c>,
/// <c>batch_suspended</c>, or what its account's lane waits for.</param>
public sealed record WaitAnswer(string Reason, DateTime? Until = null, string? Detail = null);

/// <param name="Account">The account that it goes by; of a pool's message the one that it went by last, absent before its first
/// attempt.</param>
/// <param name="Pool">The pool that it names; absent: none.</param>
public sealed record MessageAnswer(
    string Id,
    string Tenant,
    string Status,
    bool Final,
    int Revision,
    string? Account,
    string? Pool,
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

/// <param name="Scanned">How many messages were looked at, when the page was cut because no index serves the filter.</param>
public sealed record MessageList(
    IReadOnlyList<MessageAnswer> Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? NextCursor,
    int? Scanned
);

/// <summary>An event of the log; <c>data</c> is as webhooks get it.</summary>
public sealed record EventAnswer(string Id, int Sequence, string Type, DateTime Timestamp, JsonElement Data);

public sealed record EventList(
    IReadOnlyList<EventAnswer> Data,
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
/// <param name="Weight">How many messages it sends in its turn, 1 to 100.</param>
/// <param name="Counts">Messages by status.</param>
public sealed record BatchAnswer(
    string Id,
    string Tenant,
    bool Suspended,
    DateTime? SuspendedAt,
    int Weight,
    long Total,
    IReadOnlyDictionary<string, long> Counts
);

public sealed record BatchListItem(string Id, string Tenant, bool Suspended, DateTime? SuspendedAt, int Weight);

public sealed record BatchList(
    IReadOnlyList<BatchListItem> Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? NextCursor
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

/// <summary>What became of many messages that were rerouted.</summary>
/// <param name="Rerouted">Messages that wait elsewhere now.</param>
/// <param name="Refused">Messages that could not be moved: an attempt was under way, they were final by then, or the account may not send
/// from their From.</param>
/// <param name="NextCursor">Where to go on; null: all were looked at.</param>
public sealed record RerouteAnswer(
    int Rerouted,
    int Refused,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? NextCursor
);
