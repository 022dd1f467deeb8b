using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Api;

/// <summary>Webhook endpoints in memory.</summary>
internal sealed class FakeDeliveryLog : IDeliveryLog
{
    public List<WebhookEndpoint> Endpoints { get; } = [];
    public long Last { get; set; } = 100;

    public Task<IReadOnlyList<WebhookEndpoint>> EndpointsAsync() => Task.FromResult<IReadOnlyList<WebhookEndpoint>>([.. Endpoints]);

    public Task<bool> PutEndpointAsync(WebhookEndpoint endpoint, string actor)
    {
        var existing = Endpoints.Find(e => e.Tenant == endpoint.Tenant && e.Id == endpoint.Id);
        if (existing is not null)
            Endpoints.Remove(existing);
        Endpoints.Add(
            endpoint with
            {
                Secret = endpoint.Secret.Length > 0 ? endpoint.Secret : existing!.Secret,
                PreviousSecret = endpoint.Secret.Length > 0 ? endpoint.PreviousSecret : existing!.PreviousSecret,
                PreviousUntil = endpoint.Secret.Length > 0 ? endpoint.PreviousUntil : existing!.PreviousUntil,
                Version = (existing?.Version ?? 0) + 1,
                Progress = existing?.Progress ?? new(Last),
            }
        );
        return Task.FromResult(existing is null);
    }

    public Task<WebhookEndpoint?> SetPausedAsync(string tenant, string id, bool paused, string actor)
    {
        var at = Endpoints.FindIndex(e => e.Tenant == tenant && e.Id == id);
        if (at < 0)
            return Task.FromResult<WebhookEndpoint?>(null);
        var progress = Endpoints[at].Progress;
        Endpoints[at] = Endpoints[at] with
        {
            Paused = paused,
            Progress = paused || progress.DisabledAt is null ? progress : new(progress.Acknowledged),
        };
        return Task.FromResult<WebhookEndpoint?>(Endpoints[at]);
    }

    public Task<bool> DeleteEndpointAsync(string tenant, string id, string actor) =>
        Task.FromResult(Endpoints.RemoveAll(e => e.Tenant == tenant && e.Id == id) > 0);

    public Task<IReadOnlyList<MailEvent>> AtAsync(string tenant, IReadOnlyCollection<long> positions) => throw new NotSupportedException();

    public long Floor { get; set; }

    public Task<long> FloorAsync(string tenant) => Task.FromResult(Floor);

    public Task<EndpointBacklog> BacklogAsync(WebhookEndpoint endpoint) =>
        Task.FromResult(
            new EndpointBacklog(Last - endpoint.Progress.Acknowledged, false, Last > endpoint.Progress.Acknowledged ? OldestAt : null)
        );

    public long OldestAt { get; set; }

    public Task<WebhookEndpoint?> ReplayAsync(string tenant, string id, long from, long to, string actor)
    {
        var at = Endpoints.FindIndex(e => e.Tenant == tenant && e.Id == id);
        if (at < 0)
            return Task.FromResult<WebhookEndpoint?>(null);
        Replays.Add((from, to));
        Endpoints[at] = Endpoints[at] with { Progress = Endpoints[at].Progress with { Replay = new(10, 30) } };
        return Task.FromResult<WebhookEndpoint?>(Endpoints[at]);
    }

    public List<(long From, long To)> Replays { get; } = [];

    public Task SaveProgressAsync(WebhookEndpoint endpoint, EndpointProgress progress)
    {
        var at = Endpoints.FindIndex(e => e.Tenant == endpoint.Tenant && e.Id == endpoint.Id);
        Endpoints[at] = Endpoints[at] with { Progress = progress };
        return Task.CompletedTask;
    }

    /// <summary>Completes when somebody begins to wait. Nothing ever comes.</summary>
    public TaskCompletionSource Waiting { get; set; } = new();

    public Task WaitBeyondAsync(string tenant, long position, CancellationToken cancel) => WaitBeyondAsync(position, cancel);

    public Task WaitBeyondAsync(long position, CancellationToken cancel)
    {
        var never = Task.Delay(Timeout.Infinite, cancel);
        Waiting.TrySetResult();
        return never;
    }

    public Task<(IReadOnlyList<MailEvent> Events, long Through)> ReadAsync(string tenant, long after, int limit) =>
        Task.FromResult<(IReadOnlyList<MailEvent>, long)>(([], after));

    public Task AppendAsync(string tenant, EventType type, AccountKey? account, byte[]? detail, long at) =>
        throw new NotSupportedException();
}
