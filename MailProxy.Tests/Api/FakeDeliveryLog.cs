using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Api;

/// <summary>How far webhooks are, in memory; what they are stands beside it.</summary>
internal sealed class FakeDeliveryLog : IDeliveryLog
{
    private readonly FakeConfigurationStore _configuration;
    private readonly Dictionary<(string Tenant, string Id), EndpointProgress> _progress = [];

    public FakeDeliveryLog(FakeConfigurationStore configuration)
    {
        _configuration = configuration;
        configuration.Changed += Follow;
    }

    public IReadOnlyList<WebhookEndpoint> Endpoints =>
        [
            .. _configuration
                .Values<WebhookEndpoint>()
                .Where(static one => one is not null)
                .Select(one => one with { Progress = _progress[(one.Tenant, one.Id)] }),
        ];

    /// <summary>What was done to webhooks, in the words of the audit log.</summary>
    public List<string> Done { get; } = [];

    public long Last { get; set; } = 100;

    public Task<IReadOnlyList<WebhookEndpoint>> EndpointsAsync() => Task.FromResult(Endpoints);

    public Task<EndpointProgress?> ProgressAsync(string tenant, string id) => Task.FromResult(_progress.GetValueOrDefault((tenant, id)));

    public Task<IReadOnlyList<MailEvent>> AtAsync(string tenant, IReadOnlyCollection<long> positions) => throw new NotSupportedException();

    public long Floor { get; set; }

    public Task<long> FloorAsync(string tenant) => Task.FromResult(Floor);

    public Task<EndpointBacklog> BacklogAsync(WebhookEndpoint endpoint) =>
        Task.FromResult(
            new EndpointBacklog(Last - endpoint.Progress.Acknowledged, false, Last > endpoint.Progress.Acknowledged ? OldestAt : null)
        );

    public long OldestAt { get; set; }

    public Task<bool> ReplayAsync(string tenant, string id, long from, long to, string actor)
    {
        if (!_progress.TryGetValue((tenant, id), out var progress))
            return Task.FromResult(false);
        Replays.Add((from, to));
        _progress[(tenant, id)] = progress with { Replay = new(10, 30) };
        return Task.FromResult(true);
    }

    public List<(long From, long To)> Replays { get; } = [];

    public Task SaveProgressAsync(WebhookEndpoint endpoint, EndpointProgress progress)
    {
        _progress[(endpoint.Tenant, endpoint.Id)] = progress;
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

    // As the store does in the change's transaction.
    private void Follow(string noun, string tenant, string id, string action)
    {
        if (noun != WebhookFields.Noun.Name)
            return;
        Done.Add(action);
        if (action == "create")
            _progress[(tenant, id)] = new(Last);
        else if (action == "delete")
            _progress.Remove((tenant, id));
        else if (action == WebhookFields.Resume)
            _progress[(tenant, id)] = new(_progress[(tenant, id)].Acknowledged);
    }
}
