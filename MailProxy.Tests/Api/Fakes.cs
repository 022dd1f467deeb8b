using MailProxy.Pipeline;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Api;

/// <summary>Answers questions from lists, newest first as the real one does.</summary>
internal sealed class FakeQueries : IMessageQueries
{
    public List<MessageView> Views { get; } = [];
    public Dictionary<MessageKey, List<MailEvent>> Events { get; } = [];
    public Dictionary<MessageKey, MailContent> Contents { get; } = [];
    public QueueCounts Counts { get; set; } = new([], null, 0);
    public Exception? Fault { get; set; }
    public List<MessageFilter> Filters { get; } = [];

    public Task<MessageView?> GetAsync(MessageKey key) => Answer(() => Views.FirstOrDefault(v => v.Key == key));

    public Task<MessagePage> ListAsync(MessageFilter filter, int limit, long? before) =>
        Answer(() =>
        {
            Filters.Add(filter);
            var wanted = Views
                .Where(v =>
                    (filter.Tenant is null || v.Key.Tenant == filter.Tenant)
                    && (filter.Status is null || v.State == filter.Status)
                    && (before is null || v.Number < before)
                )
                .OrderByDescending(v => v.Number)
                .ToArray();
            return new MessagePage([.. wanted.Take(limit)], wanted.Length > limit ? wanted[limit - 1].Number : null);
        });

    public Task<long?> BodySizeAsync(MessageKey key) => Answer(() => (long?)Contents.GetValueOrDefault(key)?.Json.Length);

    public Task<IReadOnlyList<MailEvent>?> EventsAsync(MessageKey key, int afterSequence, int limit) =>
        Answer<IReadOnlyList<MailEvent>?>(() =>
            Events.TryGetValue(key, out var events) ? [.. events.Where(e => e.Sequence > afterSequence).Take(limit)] : null
        );

    public Task<MailContent?> ContentAsync(MessageKey key) => Answer(() => Contents.GetValueOrDefault(key));

    public Task<QueueCounts> CountsAsync(long now) => Answer(() => Counts);

    private Task<T> Answer<T>(Func<T> answer) => Fault is null ? Task.FromResult(answer()) : Task.FromException<T>(Fault);
}

/// <summary>Only what people may change; the stages' verbs are not the edge's to call.</summary>
internal sealed class FakeMessageStore : IMessageStore
{
    public List<(MessageKey Key, MessageChange Change)> Changes { get; } = [];
    public Func<MessageKey, ChangeResult> Result { get; set; } = _ => new ChangeResult.NotFound();

    public Task<ChangeResult> ChangeAsync(MessageKey key, MessageChange change, string actor, long now)
    {
        Changes.Add((key, change));
        return Task.FromResult(Result(key));
    }

    public Task<Recovery> RecoverAsync(long now) => throw new NotSupportedException();

    public Task<Appended> AppendAsync(IReadOnlyList<AcceptedBatch> batches) => throw new NotSupportedException();

    public Task<ClaimedPage> ClaimAsync(LaneKey lane, ClaimRequest request) => throw new NotSupportedException();

    public void Release(QueuedMail ticket) => throw new NotSupportedException();

    public ValueTask<MailContent?> LoadAsync(QueuedMail ticket, int maxRecipients) => throw new NotSupportedException();

    public Task<IReadOnlyList<bool>> CommitAsync(IReadOnlyList<StoreWrite> writes) => throw new NotSupportedException();

    public Task<ExpirySweep> ExpireAsync(long now, int limit) => throw new NotSupportedException();
}

/// <summary>Accounts in memory, with the numbers and versions that the store gives.</summary>
internal sealed class FakeAccountStore : IAccountStore
{
    private int _last;

    public List<SmtpAccount> Accounts { get; } = [];
    public HashSet<string> InUse { get; } = [];
    public bool Suspended { get; private set; }
    public Exception? Fault { get; set; }

    public Task<IReadOnlyList<SmtpAccount>> AccountsAsync() => Task.FromResult<IReadOnlyList<SmtpAccount>>([.. Accounts]);

    public Task<bool> PutAccountAsync(SmtpAccount account, string actor)
    {
        if (Fault is not null)
            return Task.FromException<bool>(Fault);
        var existing = Accounts.Find(a => a.Tenant == account.Tenant && a.Id == account.Id);
        if (existing is not null)
            Accounts.Remove(existing);
        Accounts.Add(
            account with
            {
                Key = existing?.Key ?? new(++_last),
                Version = (existing?.Version ?? 0) + 1,
                Paused = existing?.Paused ?? false,
            }
        );
        return Task.FromResult(existing is null);
    }

    public Task<DeleteResult> DeleteAccountAsync(string tenant, string id, string actor)
    {
        if (InUse.Contains(id))
            return Task.FromResult(DeleteResult.InUse);
        return Task.FromResult(
            Accounts.RemoveAll(a => a.Tenant == tenant && a.Id == id) > 0 ? DeleteResult.Deleted : DeleteResult.NotFound
        );
    }

    public Task<bool> SetPausedAsync(string tenant, string id, bool paused, string actor)
    {
        var at = Accounts.FindIndex(a => a.Tenant == tenant && a.Id == id);
        if (at >= 0)
            Accounts[at] = Accounts[at] with { Paused = paused, Version = Accounts[at].Version + 1 };
        return Task.FromResult(at >= 0);
    }

    public Task<bool> SuspendedAsync() => Task.FromResult(Suspended);

    public Task SetSuspendedAsync(bool suspended, string actor)
    {
        Suspended = suspended;
        return Task.CompletedTask;
    }

    public string? NameOf(AccountKey account) => Accounts.Find(a => a.Key == account)?.Id;
}

/// <summary>Volumes in memory.</summary>
internal sealed class FakeVolumeStore : IVolumeStore
{
    public List<Volume> Volumes { get; } = [];
    public HashSet<string> InUse { get; } = [];

    public Task<IReadOnlyList<Volume>> VolumesAsync() => Task.FromResult<IReadOnlyList<Volume>>([.. Volumes]);

    public Task<bool> PutVolumeAsync(Volume volume, string actor)
    {
        var replaced = Volumes.RemoveAll(v => v.Tenant == volume.Tenant && v.Id == volume.Id) > 0;
        Volumes.Add(volume);
        return Task.FromResult(!replaced);
    }

    public Task<DeleteResult> DeleteVolumeAsync(string tenant, string id, string actor)
    {
        if (InUse.Contains(id))
            return Task.FromResult(DeleteResult.InUse);
        return Task.FromResult(Volumes.RemoveAll(v => v.Tenant == tenant && v.Id == id) > 0 ? DeleteResult.Deleted : DeleteResult.NotFound);
    }
}

internal sealed class FakeVolumeProbe : IVolumeProbe
{
    public VolumeTest Seen { get; set; } = new(true, TimeSpan.FromMilliseconds(12.34), Objects: 3);
    public (string Volume, string? Path)? Asked { get; private set; }

    public Task<VolumeTest> TestAsync(Volume volume, string? path, CancellationToken cancel)
    {
        Asked = (volume.ToString(), path);
        return Task.FromResult(Seen);
    }
}

/// <summary>Tenants in memory.</summary>
internal sealed class FakeTenantStore : ITenantStore
{
    public List<Tenant> Tenants { get; } = [new() { Id = Tenant.DefaultId, Name = Tenant.DefaultId }];
    public HashSet<string> InUse { get; } = [];

    public Task<IReadOnlyList<Tenant>> TenantsAsync() => Task.FromResult<IReadOnlyList<Tenant>>([.. Tenants]);

    public Task<bool> PutTenantAsync(Tenant tenant, string actor)
    {
        var replaced = Tenants.RemoveAll(t => t.Id == tenant.Id) > 0;
        Tenants.Add(tenant);
        return Task.FromResult(!replaced);
    }

    public Task<DeleteResult> DeleteTenantAsync(string id, string actor)
    {
        if (InUse.Contains(id))
            return Task.FromResult(DeleteResult.InUse);
        return Task.FromResult(Tenants.RemoveAll(t => t.Id == id) > 0 ? DeleteResult.Deleted : DeleteResult.NotFound);
    }
}

/// <summary>Keys in memory.</summary>
internal sealed class FakeKeyStore : IKeyStore
{
    private readonly Lock _lock = new();

    public List<TenantKey> Keys { get; } = [];
    public List<(string Id, long At)> Uses { get; } = [];

    /// <summary>What a note of a use waits for.</summary>
    public Task NoteWritten { get; set; } = Task.CompletedTask;

    /// <summary>Completes with the first use.</summary>
    public TaskCompletionSource Used { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<IReadOnlyList<TenantKey>> KeysAsync() => Task.FromResult<IReadOnlyList<TenantKey>>([.. Keys]);

    public Task CreateKeyAsync(TenantKey key, string actor)
    {
        Keys.Add(key);
        return Task.CompletedTask;
    }

    public Task<bool> DeleteKeyAsync(string tenant, string id, string actor) =>
        Task.FromResult(Keys.RemoveAll(k => k.Tenant == tenant && k.Id == id) > 0);

    public Task NoteUseAsync(string tenant, string id, long at)
    {
        lock (_lock)
            Uses.Add((id, at));
        Used.TrySetResult();
        return NoteWritten;
    }
}

/// <summary>Batches in memory: those that were suspended, and those that are named here.</summary>
internal sealed class FakeBatchStore : IBatchStore
{
    public Dictionary<(string Tenant, string Id), BatchView> Batches { get; } = [];

    public Task<BatchView?> BatchAsync(string tenant, string batch) => Task.FromResult(Batches.GetValueOrDefault((tenant, batch)));

    public Task<(IReadOnlyList<BatchName> Batches, (string Batch, string Tenant)? Next)> ListAsync(
        string? tenant,
        (string Batch, string Tenant) after,
        int limit
    )
    {
        var all = Batches
            .Values.Where(b => (tenant ?? b.Tenant) == b.Tenant && string.CompareOrdinal(b.Id, after.Batch) > 0)
            .OrderBy(b => b.Id, StringComparer.Ordinal)
            .Select(b => new BatchName(b.Tenant, b.Id, b.SuspendedAt))
            .ToArray();
        return Task.FromResult<(IReadOnlyList<BatchName>, (string, string)?)>(
            (all.Take(limit).ToArray(), all.Length > limit ? (all[limit - 1].Id, all[limit - 1].Tenant) : null)
        );
    }

    public Task<int> CountSuspendedAsync(string tenant) =>
        Task.FromResult(Batches.Values.Count(b => b.Tenant == tenant && b.SuspendedAt is not null));

    public Task SetSuspendedAsync(string tenant, string batch, bool suspended, string actor)
    {
        var known = Batches.GetValueOrDefault((tenant, batch)) ?? new(tenant, batch, null, []);
        if (!suspended && known.Counts.Count == 0)
            Batches.Remove((tenant, batch));
        else
            Batches[(tenant, batch)] = known with { SuspendedAt = suspended ? 1_000 : null };
        return Task.CompletedTask;
    }

    public Task RepairAsync() => throw new NotSupportedException();
}

/// <summary>The audit log in memory.</summary>
internal sealed class FakeAuditLog : IAuditLog
{
    private readonly Lock _lock = new();
    private readonly List<AuditEntry> _entries = [];

    public IReadOnlyList<AuditEntry> Entries
    {
        get
        {
            lock (_lock)
                return [.. _entries];
        }
    }

    public Task AppendAsync(string actor, string action, string subject, string? detail)
    {
        lock (_lock)
            _entries.Add(new(_entries.Count + 1, 1_000 * (_entries.Count + 1), actor, action, subject, null, detail));
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<AuditEntry>> ReadAsync(long after, int limit) =>
        Task.FromResult<IReadOnlyList<AuditEntry>>([.. Entries.Where(e => e.Number > after).Take(limit)]);
}

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
