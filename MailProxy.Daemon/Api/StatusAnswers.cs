using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Daemon.Api;

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

/// <param name="Warnings">What a person should see to before it stops mail; absent: nothing.</param>
public sealed record HealthAnswer(string Status, IReadOnlyList<WarningAnswer>? Warnings = null);

/// <param name="Code"><c>secret_expiring</c>.</param>
public sealed record WarningAnswer(string Code, string Detail);

public sealed record StoreAnswer(bool Ok, string? Trouble);

public sealed record QueueDepthAnswer(string Status, string Priority, long Count);

public sealed record QueueAnswer(long Total, IReadOnlyList<QueueDepthAnswer> Depth, DateTime? OldestDueAt, long Overdue);

public sealed record AccountStatusAnswer(string Tenant, string Id, bool Paused, WaitAnswer? WaitingFor, DateTime? SecretExpiresAt);

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
