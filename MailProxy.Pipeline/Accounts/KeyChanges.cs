namespace MailProxy.Pipeline.Accounts;

/// <summary>
/// Changes keys and puts what the store then has in force: a deleted key is refused from then on. One change at a time: an older reading
/// never overwrites a newer one.
/// </summary>
public sealed class KeyChanges(IKeyStore store, CurrentKeys current) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Reads all keys from the store.</summary>
    public Task LoadAsync() => InTurnAsync(static () => Task.FromResult(true));

    public Task CreateAsync(TenantKey key, string actor) =>
        InTurnAsync(async () =>
        {
            await store.CreateKeyAsync(key, actor);
            return true;
        });

    /// <summary>False: there is no such key.</summary>
    public Task<bool> DeleteAsync(string tenant, string id, string actor) => InTurnAsync(() => store.DeleteKeyAsync(tenant, id, actor));

    public void Dispose() => _turn.Dispose();

    private async Task<T> InTurnAsync<T>(Func<Task<T>> change)
    {
        await _turn.WaitAsync();
        try
        {
            var result = await change();
            current.Swap(new(await store.KeysAsync()));
            return result;
        }
        finally
        {
            _turn.Release();
        }
    }
}
