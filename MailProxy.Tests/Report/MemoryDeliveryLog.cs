using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Report;

/// <summary>An event log that behaves, in memory.</summary>
internal sealed class MemoryDeliveryLog : IDeliveryLog
{
    private readonly Lock _gate = new();
    private readonly List<MailEvent> _events = [];
    private readonly List<WebhookEndpoint> _endpoints = [];
    private readonly List<(string Id, EndpointProgress Progress)> _saves = [];
    private TaskCompletionSource _moved = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Thrown by <see cref="AppendAsync"/> when set.</summary>
    public Exception? AppendFault { get; set; }

    /// <summary>What the next save waits for.</summary>
    public TaskCompletionSource? SaveGate { get; set; }

    /// <summary>Saves that were asked for, also those that wait.</summary>
    public int Asked { get; private set; }

    public IReadOnlyList<(string Id, EndpointProgress Progress)> Saves
    {
        get
        {
            lock (_gate)
                return [.. _saves];
        }
    }

    public IReadOnlyList<MailEvent> Events
    {
        get
        {
            lock (_gate)
                return [.. _events];
        }
    }

    public long Last
    {
        get
        {
            lock (_gate)
                return _events.Count;
        }
    }

    public MailEvent Add(
        string? message,
        int sequence,
        EventType type = EventType.MessageQueued,
        MessageState status = MessageState.Queued,
        long at = 0
    )
    {
        lock (_gate)
        {
            var added = new MailEvent(
                _events.Count + 1,
                type,
                at,
                "default",
                message,
                sequence,
                status,
                "main",
                0,
                null,
                null,
                null,
                default
            );
            _events.Add(added);
            Move();
            return added;
        }
    }

    /// <summary>Completes when the log or somebody's progress looks like this.</summary>
    public async Task UntilAsync(Func<MemoryDeliveryLog, bool> holds)
    {
        while (true)
        {
            Task moved;
            lock (_gate)
                moved = _moved.Task;
            if (holds(this))
                return;
            await moved.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    public bool Knows(string id)
    {
        lock (_gate)
            return _endpoints.Exists(endpoint => endpoint.Id == id);
    }

    public EndpointProgress ProgressOf(string id)
    {
        lock (_gate)
            return _endpoints.Single(endpoint => endpoint.Id == id).Progress;
    }

    public Task WaitBeyondAsync(string tenant, long position, CancellationToken cancel) => WaitBeyondAsync(position, cancel);

    public async Task WaitBeyondAsync(long position, CancellationToken cancel)
    {
        while (true)
        {
            Task moved;
            lock (_gate)
            {
                if (_events.Count > position)
                    return;
                moved = _moved.Task;
            }

            await moved.WaitAsync(cancel);
        }
    }

    public Task<(IReadOnlyList<MailEvent> Events, long Through)> ReadAsync(string tenant, long after, int limit)
    {
        lock (_gate)
        {
            MailEvent[] page = [.. _events.Where(known => known.Position > after && known.Tenant == tenant).Take(limit)];
            return Task.FromResult<(IReadOnlyList<MailEvent>, long)>((page, page.Length == limit ? page[^1].Position : _events.Count));
        }
    }

    public Task AppendAsync(string tenant, EventType type, AccountKey? account, byte[]? detail, long at)
    {
        if (AppendFault is not null)
            return Task.FromException(AppendFault);
        lock (_gate)
        {
            _events.Add(
                new(
                    _events.Count + 1,
                    type,
                    at,
                    tenant,
                    null,
                    0,
                    MessageState.Queued,
                    account?.Number.ToString(),
                    0,
                    null,
                    null,
                    null,
                    detail
                )
            );
            Move();
        }

        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<WebhookEndpoint>> EndpointsAsync()
    {
        lock (_gate)
            return Task.FromResult<IReadOnlyList<WebhookEndpoint>>([.. _endpoints]);
    }

    public Task<bool> PutEndpointAsync(WebhookEndpoint endpoint, string actor)
    {
        lock (_gate)
        {
            var known = _endpoints.FindIndex(other => other.Id == endpoint.Id);
            if (known >= 0)
                _endpoints[known] = endpoint with { Progress = _endpoints[known].Progress, Version = _endpoints[known].Version + 1 };
            else
                _endpoints.Add(endpoint);
            return Task.FromResult(known < 0);
        }
    }

    public Task<EndpointProgress?> ProgressAsync(string tenant, string id) => throw new NotSupportedException();

    public Task<IReadOnlyList<MailEvent>> AtAsync(string tenant, IReadOnlyCollection<long> positions)
    {
        lock (_gate)
            return Task.FromResult<IReadOnlyList<MailEvent>>([.. _events.Where(known => positions.Contains(known.Position))]);
    }

    public Task<long> FloorAsync(string tenant) => throw new NotSupportedException();

    public Task<EndpointBacklog> BacklogAsync(WebhookEndpoint endpoint) => throw new NotSupportedException();

    /// <summary>All that the endpoint acknowledged, whatever its time.</summary>
    public Task<bool> ReplayAsync(string tenant, string id, long from, long to, string actor)
    {
        lock (_gate)
        {
            var known = _endpoints.FindIndex(other => other.Id == id);
            var progress = _endpoints[known].Progress;
            _endpoints[known] = _endpoints[known] with
            {
                Version = _endpoints[known].Version + 1,
                Progress = progress with { Replay = new(0, progress.Acknowledged) },
            };
            return Task.FromResult(true);
        }
    }

    public async Task SaveProgressAsync(WebhookEndpoint endpoint, EndpointProgress progress)
    {
        var id = endpoint.Id;
        lock (_gate)
        {
            Asked++;
            Move();
        }

        if (SaveGate is { } gate)
            await gate.Task;
        lock (_gate)
        {
            var known = _endpoints.FindIndex(other => other.Id == id);
            if (known >= 0 && _endpoints[known].Version != endpoint.Version)
                progress = progress with { Batches = _endpoints[known].Progress.Batches, Replay = _endpoints[known].Progress.Replay };
            _saves.Add((id, progress));
            if (known >= 0)
                _endpoints[known] = _endpoints[known] with { Progress = progress };
            Move();
        }
    }

    private void Move()
    {
        var moved = _moved;
        _moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
        moved.TrySetResult();
    }
}
