using System.Collections.Immutable;

namespace MailProxy.Pipeline.Configuration.Webhooks;

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
