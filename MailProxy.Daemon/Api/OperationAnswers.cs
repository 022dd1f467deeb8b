using System.Text.Json;
using System.Text.Json.Serialization;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>An action on all messages that a search finds.</summary>
/// <param name="Action">What to do. Without a token.</param>
/// <param name="Q">Which messages, as in lists. Without a token.</param>
/// <param name="Preview">Must be true without a token: the effect is shown, and nothing is changed.</param>
/// <param name="Account">Reroute: the account that they shall go by.</param>
/// <param name="Pool">Reroute: the pool that they shall go by.</param>
/// <param name="SendAt">Reschedule: when they shall go, RFC 3339 text or Unix seconds.</param>
/// <param name="ExpiresAt">Reschedule: until when; absent: as far behind send_at as before.</param>
/// <param name="Token">The token of a preview: begins what it showed. No other member beside it.</param>
public sealed record ActionRequest(
    string? Action,
    string? Q,
    bool? Preview,
    string? Account,
    string? Pool,
    JsonElement? SendAt,
    JsonElement? ExpiresAt,
    string? Token
);

/// <summary>What an action would do.</summary>
/// <param name="Count">Messages that the search finds.</param>
/// <param name="Exact">False: counting took too long, and there are more.</param>
/// <param name="ByStatus">The same by status.</param>
/// <param name="WouldChange">Of these, messages whose status allows the action.</param>
/// <param name="Undoable">Whether it can be undone.</param>
/// <param name="Sample">The newest ones, ten at most.</param>
/// <param name="Token">Begins it.</param>
/// <param name="TokenExpiresAt">Until when the token is good.</param>
public sealed record PreviewAnswer(
    string Action,
    string Q,
    long Count,
    bool Exact,
    IReadOnlyDictionary<string, long> ByStatus,
    long WouldChange,
    bool Undoable,
    IReadOnlyList<MessageAnswer> Sample,
    string Token,
    DateTime? TokenExpiresAt
);

/// <summary>How far an operation is.</summary>
/// <param name="Status">running, done, stopped or failed.</param>
/// <param name="Expected">Messages that the search found when it was shown.</param>
/// <param name="Changed">Messages that it has changed.</param>
/// <param name="Refused">Messages that it could not change, because of their status or their route.</param>
/// <param name="UndoableUntil">Until when it can be undone.</param>
/// <param name="UndoneBy">The operation that undid it.</param>
/// <param name="Undoes">Whether it undoes another one.</param>
/// <param name="Trouble">Why it failed.</param>
public sealed record OperationAnswer(
    string Id,
    string Tenant,
    string Action,
    string Q,
    string? Account,
    string? Pool,
    DateTime? SendAt,
    DateTime? ExpiresAt,
    string Status,
    long Expected,
    long Changed,
    long Refused,
    string Actor,
    DateTime? CreatedAt,
    DateTime? EndedAt,
    DateTime? UndoableUntil,
    string? UndoneBy,
    bool Undoes,
    string? Trouble
)
{
    internal static OperationAnswer Of(Operation one)
    {
        var details = OperationDetails.Parse(one.Details);
        var canBeUndone =
            one is { EndedAt: not null, Undoes: null, UndoneBy: null, Changed: > 0 } && BulkActions.Inverse(one.Action) is not null;
        return new(
            one.Id,
            one.Tenant,
            BulkActions.All.Of(one.Action),
            one.Search,
            details.Account,
            details.Pool,
            Times.Utc(details.SendAt),
            Times.Utc(details.ExpiresAt),
            BulkActions.States.Of(one.State),
            one.Expected,
            one.Changed,
            one.Refused,
            one.Actor,
            Times.Utc(one.CreatedAt),
            Times.Utc(one.EndedAt),
            canBeUndone ? Times.Utc(one.EndedAt + (long)BulkActions.Undoable.TotalMilliseconds) : null,
            one.UndoneBy,
            one.Undoes is not null,
            one.Trouble
        );
    }
}

/// <summary>A page of operations.</summary>
public sealed record OperationList(
    IReadOnlyList<OperationAnswer> Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? NextCursor
);
