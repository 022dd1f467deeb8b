using MailProxy.Pipeline.Accounts;

namespace MailProxy.Tests.Api;

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
