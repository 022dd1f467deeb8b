using System.Collections.Immutable;

namespace MailProxy.Pipeline.Storage;

/// <summary>The protocol of an endpoint. Stored as a number: never renumber.</summary>
public enum ReportStyle : byte
{
    /// <summary>Standard Webhooks 1.0.</summary>
    Events = 0,

    /// <summary>Delivery reports whose answers decide about the next one.</summary>
    Sync = 1,
}

/// <summary>The names of styles in the contract.</summary>
public static class ReportStyles
{
    public static readonly Names<ReportStyle> Names = new(("events", ReportStyle.Events), ("sync", ReportStyle.Sync));

    public static string Name(this ReportStyle style) => Names.Of(style);
}

/// <summary>A webhook: where a tenant's events are sent.</summary>
/// <param name="Secret">Standard Webhooks secret, <c>whsec_…</c>; encrypted at rest.</param>
/// <param name="Types">The wanted event types; empty: all.</param>
/// <param name="MaxBatch">Most events per request, 1 to 1,000.</param>
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

    /// <summary>Credentials that every request carries in addition to the signature; encrypted at rest.</summary>
    public SourceAuth? Auth { get; init; }

    /// <summary>The secret before the last rotation, which also signs until <see cref="PreviousUntil"/>.</summary>
    public string? PreviousSecret { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public long? PreviousUntil { get; init; }

    /// <summary>Raised by every change that a person makes; progress does not raise it.</summary>
    public int Version { get; init; }

    // The generated ToString of a record would write the secret into a log.
    public override string ToString() => $"{Tenant}/{Id}";
}

/// <param name="Acknowledged">Every event up to this position was answered with 2xx.</param>
/// <param name="FailingSince">When the series of failures began; null when the last request succeeded.</param>
/// <param name="Failures">Number of consecutive failures.</param>
/// <param name="DisabledAt">Set on 410 or after 75 h of failures; null when enabled.</param>
/// <param name="Batches">How the unacknowledged requests were cut, as the outbox writes it; null: none, or single events.</param>
/// <param name="Replay">A part of the log that is sent again; null: none.</param>
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
    /// <summary>Style sync: when the endpoint was last called.</summary>
    public long? CalledAt { get; init; }

    /// <summary>Style sync: no empty report is sent before this time.</summary>
    public long? QuietUntil { get; init; }

    /// <summary>
    /// Style sync: events up to <see cref="Acknowledged"/> that the endpoint named in "error", by position. They do not count as reported
    /// while
    /// they are here.
    /// </summary>
    public ImmutableSortedDictionary<long, Resend> Resends { get; init; } = ImmutableSortedDictionary<long, Resend>.Empty;

    /// <summary>The progress of an enabled endpoint, without its earlier failures.</summary>
    public EndpointProgress Cleared() => this with { FailingSince = null, Failures = 0, DisabledAt = null, LastError = null };
}

/// <summary>An event that an endpoint could not accept yet.</summary>
/// <param name="Since">When the endpoint first named it in "error".</param>
/// <param name="Failures">How often the endpoint named it.</param>
/// <param name="Due">When it is sent again.</param>
public readonly record struct Resend(long Since, int Failures, long Due);

/// <summary>A replay: events after <paramref name="Acknowledged"/>, up to <paramref name="Through"/>, are sent again.</summary>
/// <param name="Batches">As in <see cref="EndpointProgress"/>.</param>
public sealed record ReplayProgress(long Acknowledged, long Through, string? Batches = null);

/// <summary>Events that an endpoint has not acknowledged.</summary>
/// <param name="Events">Number of events that it wants.</param>
/// <param name="More">Whether counting stopped here although there are more.</param>
/// <param name="OldestAt">Unix milliseconds; null: none.</param>
public readonly record struct EndpointBacklog(long Events, bool More, long? OldestAt);
