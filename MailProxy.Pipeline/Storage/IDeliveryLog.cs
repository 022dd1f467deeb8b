using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>The event log as reporters read it, and how far each endpoint has acknowledged.</summary>
public interface IDeliveryLog
{
    /// <summary>Completes when an event beyond this position is committed.</summary>
    Task WaitBeyondAsync(long position, CancellationToken cancel);

    /// <summary>Events of one tenant after a position, in commit order. <c>Through</c> is the position up to which nothing was left out.</summary>
    Task<(IReadOnlyList<MailEvent> Events, long Through)> ReadAsync(string tenant, long after, int limit);

    /// <summary>Appends an event that is not about a message.</summary>
    Task AppendAsync(string tenant, EventType type, AccountKey? account, byte[]? detail, long at);

    /// <summary>The position of the last committed event.</summary>
    long Last { get; }

    Task<IReadOnlyList<WebhookEndpoint>> EndpointsAsync();

    /// <summary>Creates (from here on: position is <see cref="Last"/>) or replaces all but progress and, when <see cref="WebhookEndpoint.Secret"/> is "", the secret. True: created.</summary>
    Task<bool> PutEndpointAsync(WebhookEndpoint endpoint, string actor);

    Task<bool> DeleteEndpointAsync(string tenant, string id, string actor);

    /// <summary>Keeps how far an endpoint is. Retried for ever, like an outcome.</summary>
    Task SaveProgressAsync(string tenant, string id, EndpointProgress progress);
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
    EndpointProgress Progress)
{
    // A record's generated text would carry the secret into a log.
    public override string ToString() => $"{Tenant}/{Id}";
}

/// <param name="Acknowledged">Everything up to this position was answered with 2xx.</param>
/// <param name="FailingSince">When the row of failures began; null: the last request succeeded.</param>
/// <param name="Failures">How many in a row.</param>
/// <param name="DisabledAt">Set on 410 or after 75 h of failures; null: enabled.</param>
public sealed record EndpointProgress(long Acknowledged, long? FailingSince = null, int Failures = 0, long? DisabledAt = null, string? LastError = null);
