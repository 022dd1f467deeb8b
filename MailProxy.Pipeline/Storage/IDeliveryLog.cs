using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>The event log as reporters read it, and how far each endpoint has acknowledged.</summary>
public interface IDeliveryLog
{
    /// <summary>Completes when an event beyond this position is committed.</summary>
    Task WaitBeyondAsync(long position, CancellationToken cancel);

    /// <summary>
    /// Completes when an event of this tenant beyond a position is committed; others' wake nobody. The position is one that was read
    /// through.
    /// </summary>
    Task WaitBeyondAsync(string tenant, long position, CancellationToken cancel);

    /// <summary>
    /// Events of one tenant after a position, in commit order. <c>Through</c> is the position up to which nothing was left out.
    /// </summary>
    Task<(IReadOnlyList<MailEvent> Events, long Through)> ReadAsync(string tenant, long after, int limit);

    /// <summary>A tenant's events at these positions, in order; those that are gone are left out.</summary>
    Task<IReadOnlyList<MailEvent>> AtAsync(string tenant, IReadOnlyCollection<long> positions);

    /// <summary>Up to this position events of the tenant may have been purged; 0: none were.</summary>
    Task<long> FloorAsync(string tenant);

    /// <summary>Appends an event that is not about a message.</summary>
    Task AppendAsync(string tenant, EventType type, AccountKey? account, byte[]? detail, long at);

    /// <summary>The position of the last committed event.</summary>
    long Last { get; }

    Task<IReadOnlyList<WebhookEndpoint>> EndpointsAsync();

    /// <summary>
    /// Creates (from here on: position is <see cref="Last"/>) or replaces all but progress and, when <see cref="WebhookEndpoint.Secret"/>
    /// is "", the secrets. A new address enables an endpoint that failures have disabled. Raises the version. True: created.
    /// </summary>
    Task<bool> PutEndpointAsync(WebhookEndpoint endpoint, string actor);

    /// <summary>Resuming also enables an endpoint that failures have disabled. Null: there is no such endpoint.</summary>
    Task<WebhookEndpoint?> SetPausedAsync(string tenant, string id, bool paused, string actor);

    Task<bool> DeleteEndpointAsync(string tenant, string id, string actor);

    /// <summary>
    /// Keeps how far an endpoint is, with what is to be told again, in one transaction. Retried for ever, like an outcome. When a person
    /// has changed the endpoint since, its batches and replay stay as they are, and with another style its position too.
    /// </summary>
    Task SaveProgressAsync(WebhookEndpoint endpoint, EndpointProgress progress);

    /// <summary>
    /// Lets the endpoint be told once more what it acknowledged of a time (Unix milliseconds, both included); one replay at a time, a new
    /// one takes the place of the old. Null: there is no such endpoint.
    /// </summary>
    Task<WebhookEndpoint?> ReplayAsync(string tenant, string id, long from, long to, string actor);

    /// <summary>Counts what the endpoint wants and has not acknowledged.</summary>
    Task<EndpointBacklog> BacklogAsync(WebhookEndpoint endpoint);
}
