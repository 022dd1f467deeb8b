using System.Collections.Immutable;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>How an endpoint is told. Stored as a number: never renumber.</summary>
public enum ReportStyle : byte
{
    /// <summary>Standard Webhooks 1.0.</summary>
    Events = 0,

    /// <summary>Delivery reports whose answers steer the next one.</summary>
    Sync = 1,
}

/// <summary>The contract's words for styles.</summary>
public static class ReportStyles
{
    public static readonly IReadOnlyList<(string Name, ReportStyle Style)> Names =
    [
        ("events", ReportStyle.Events),
        ("sync", ReportStyle.Sync),
    ];

    public static string Name(this ReportStyle style) => Names.First(known => known.Style == style).Name;
}

/// <summary>A webhook: where a tenant's events go.</summary>
/// <param name="Secret">Standard Webhooks secret, <c>whsec_…</c>; encrypted at rest.</param>
/// <param name="Types">Event types wanted; empty: all.</param>
/// <param name="MaxBatch">Events a request, 1 to 1,000.</param>
public sealed record WebhookEndpoint(
    string Tenant,
    string Id,
    string Url,
    string Secret,
    IReadOnlyList<string> Types,
    bool FinalOnly,
    int MaxBatch,
    bool Paused,
    EndpointProgress Progress
)
{
    public ReportStyle Style { get; init; }

    /// <summary>What every request carries beside the signature; encrypted at rest.</summary>
    public SourceAuth? Auth { get; init; }

    /// <summary>The secret before the last rotation: signs too until <see cref="PreviousUntil"/>.</summary>
    public string? PreviousSecret { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public long? PreviousUntil { get; init; }

    /// <summary>Raised by every change of a person's; progress does not raise it.</summary>
    public int Version { get; init; }

    // A record's generated text would carry the secret into a log.
    public override string ToString() => $"{Tenant}/{Id}";
}

/// <param name="Acknowledged">Everything up to this position was answered with 2xx.</param>
/// <param name="FailingSince">When the row of failures began; null: the last request succeeded.</param>
/// <param name="Failures">How many in a row.</param>
/// <param name="DisabledAt">Set on 410 or after 75 h of failures; null: enabled.</param>
/// <param name="Batches">How the requests that are out were cut, as its outbox writes it; null: none, or each is a single event.</param>
/// <param name="Replay">A part of the log that is told once more; null: none.</param>
public sealed record EndpointProgress(
    long Acknowledged,
    long? FailingSince = null,
    int Failures = 0,
    long? DisabledAt = null,
    string? LastError = null,
    string? Batches = null,
    ReplayProgress? Replay = null
)
{
    /// <summary>Style sync: when it was called last.</summary>
    public long? CalledAt { get; init; }

    /// <summary>Style sync: no empty report before this time.</summary>
    public long? QuietUntil { get; init; }

    /// <summary>
    /// Style sync: events up to <see cref="Acknowledged"/> that it named in "error", by position. They are not reported while they are
    /// here.
    /// </summary>
    public ImmutableSortedDictionary<long, Resend> Resends { get; init; } = ImmutableSortedDictionary<long, Resend>.Empty;

    /// <summary>Enabled, and without the failures of before.</summary>
    public EndpointProgress Cleared() => this with { FailingSince = null, Failures = 0, DisabledAt = null, LastError = null };
}

/// <summary>An event that an endpoint could not take yet.</summary>
/// <param name="Since">When it said so first.</param>
/// <param name="Failures">How often it said so.</param>
/// <param name="Due">When it is told again.</param>
public readonly record struct Resend(long Since, int Failures, long Due);

/// <summary>Events told once more: those behind <paramref name="Acknowledged"/>, up to <paramref name="Through"/>.</summary>
/// <param name="Batches">As in <see cref="EndpointProgress"/>.</param>
public sealed record ReplayProgress(long Acknowledged, long Through, string? Batches = null);

/// <summary>What an endpoint has not acknowledged.</summary>
/// <param name="Events">How many it wants.</param>
/// <param name="More">There are more: counting stopped here.</param>
/// <param name="OldestAt">Unix milliseconds; null: none.</param>
public readonly record struct EndpointBacklog(long Events, bool More, long? OldestAt);
