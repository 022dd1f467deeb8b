using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>The event log as reporters read it, and the position up to which each endpoint has acknowledged.</summary>
public interface IDeliveryLog
{
    /// <summary>Completes when an event beyond this position is committed.</summary>
    Task WaitBeyondAsync(long position, CancellationToken cancel);

    /// <summary>
    /// Completes when an event of this tenant beyond a position is committed; events of other tenants do not complete it. The position
    /// must be
    /// one up to which the caller has read.
    /// </summary>
    Task WaitBeyondAsync(string tenant, long position, CancellationToken cancel);

    /// <summary>
    /// Events of one tenant after a position, in commit order. <c>Through</c> is the position up to which no event was left out.
    /// </summary>
    Task<(IReadOnlyList<MailEvent> Events, long Through)> ReadAsync(string tenant, long after, int limit);

    /// <summary>A tenant's events at these positions, in order; events that were purged are left out.</summary>
    Task<IReadOnlyList<MailEvent>> AtAsync(string tenant, IReadOnlyCollection<long> positions);

    /// <summary>The position up to which events of the tenant may have been purged; 0 when none were.</summary>
    Task<long> FloorAsync(string tenant);

    /// <summary>Appends an event that is not about a message.</summary>
    Task AppendAsync(string tenant, EventType type, AccountKey? account, byte[]? detail, long at);

    /// <summary>The position of the last committed event, as this process knows it.</summary>
    long Last { get; }

    /// <summary>The same, as the store has it now: another node may have committed one just before.</summary>
    Task<long> LastAsync() => Task.FromResult(Last);

    /// <summary>The endpoints with their progress, both of one instant; those whose rows cannot be read are left out.</summary>
    Task<IReadOnlyList<WebhookEndpoint>> EndpointsAsync();

    /// <summary>Null when there is no such endpoint.</summary>
    Task<EndpointProgress?> ProgressAsync(string tenant, string id);

    /// <summary>
    /// Stores an endpoint's progress and its resends in one transaction. Retried without limit, like an outcome. If a person has changed
    /// the
    /// endpoint in the meantime, its batches and replay are not overwritten, and after a change of style neither is its position.
    /// </summary>
    Task SaveProgressAsync(WebhookEndpoint endpoint, EndpointProgress progress);

    /// <summary>
    /// Starts a replay: sends an endpoint again what it acknowledged in a period (Unix milliseconds, both ends included). A new replay
    /// replaces
    /// an earlier one, and raises the endpoint's version. False when there is no such endpoint.
    /// </summary>
    Task<bool> ReplayAsync(string tenant, string id, long from, long to, string actor);

    /// <summary>Counts the events that the endpoint wants and has not acknowledged.</summary>
    Task<EndpointBacklog> BacklogAsync(WebhookEndpoint endpoint);
}

/// <summary>Events that an endpoint has not acknowledged.</summary>
/// <param name="Events">Number of events that it wants.</param>
/// <param name="More">Whether counting stopped here although there are more.</param>
/// <param name="OldestAt">Unix milliseconds; null: none.</param>
public readonly record struct EndpointBacklog(long Events, bool More, long? OldestAt);
