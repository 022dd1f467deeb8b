namespace MailProxy.Daemon.Api;

/// <summary>One thing that holds mail back.</summary>
/// <param name="Reason">As in <c>waiting_for</c>.</param>
/// <param name="Scope">Whose mail it holds: <c>message</c>, <c>batch</c>, <c>account</c>, <c>pool</c>, <c>tenant</c>,
/// <c>installation</c>.</param>
/// <param name="Until">When it opens by itself; absent: not by itself, or nobody knows.</param>
/// <param name="Detail">For a person: what it is, and what opens it.</param>
/// <param name="Limits">Of a limit: which of its windows are used up, and how far; absent for all else.</param>
public sealed record GateAnswer(
    string Reason,
    string Scope,
    DateTime? Until,
    string? Detail,
    IReadOnlyList<LimitUsageAnswer>? Limits = null
);

/// <summary>How far one limit is used up.</summary>
/// <param name="Limit"><c>per_second</c>, <c>per_minute</c>, <c>per_hour</c>, <c>per_day</c> or <c>warm_up</c>.</param>
/// <param name="Used">In the stretch that ends now; mail on its way included.</param>
/// <param name="OpensAt">When the next may go.</param>
public sealed record LimitUsageAnswer(string Limit, long Used, int Allowed, DateTime? OpensAt);

/// <summary>Where a message stands in its lane.</summary>
/// <param name="Ahead">Messages of the lane that are due and come before it by priority and time, attempts under way included; counted up
/// to 10,000.</param>
/// <param name="More">There are more than that.</param>
public sealed record PositionAnswer(long Ahead, bool More);

/// <summary>An account that a message may go by.</summary>
/// <param name="Server">Its host and port; absent for the sandbox.</param>
/// <param name="Usable">Whether nothing of its own holds mail back now.</param>
/// <param name="Gates">Why it is not usable now; empty: it is.</param>
public sealed record CandidateAnswer(string Account, string? Server, bool Usable, IReadOnlyList<GateAnswer> Gates);

/// <summary>The way a message would take now.</summary>
/// <param name="Pool">The pool that it names; absent: none.</param>
/// <param name="Account">The account that it would go by (of a weighted pool: one of those); absent: none can take it now.</param>
/// <param name="Candidates">Every account that it may go by.</param>
public sealed record RouteAnswer(string? Pool, string? Account, IReadOnlyList<CandidateAnswer> Candidates);

/// <summary>Why a message is where it is, and what happens next.</summary>
/// <param name="Gates">Everything that holds it, in the order in which it meets them; empty: nothing does, or it is final.</param>
/// <param name="Position">Absent while it waits for a time or a person, and when it is final.</param>
/// <param name="Route">Absent when it is final.</param>
/// <param name="NextAttemptAt">The earliest time of its next attempt, when that is known.</param>
/// <param name="Summary">One sentence for a person.</param>
public sealed record ExplainAnswer(
    string Id,
    string Tenant,
    string Status,
    bool Final,
    IReadOnlyList<GateAnswer> Gates,
    PositionAnswer? Position,
    RouteAnswer? Route,
    DateTime? NextAttemptAt,
    DateTime ExpiresAt,
    int Attempts,
    string Summary
);

/// <summary>Why an account's mail waits, or that it does not.</summary>
/// <param name="Gates">Everything that holds its mail; empty: nothing does.</param>
/// <param name="InFlight">Attempts under way.</param>
public sealed record AccountExplainAnswer(
    string Id,
    string Tenant,
    string? Server,
    IReadOnlyList<GateAnswer> Gates,
    int InFlight,
    string Summary
);

/// <summary>Why a pool's mail waits, and how each of its accounts stands.</summary>
/// <param name="Gates">Everything that holds its mail; empty: nothing does.</param>
/// <param name="InFlight">Attempts under way.</param>
public sealed record PoolExplainAnswer(
    string Id,
    string Tenant,
    string Strategy,
    IReadOnlyList<GateAnswer> Gates,
    IReadOnlyList<CandidateAnswer> Candidates,
    int InFlight,
    string Summary
);

/// <param name="Data">The newest first.</param>
/// <param name="Scanned">As in the list of messages.</param>
public sealed record WhereList(
    IReadOnlyList<ExplainAnswer> Data,
    [property: System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.Never)]
        string? NextCursor,
    int? Scanned
);
