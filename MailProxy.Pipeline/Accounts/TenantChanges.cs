using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Accounts;

/// <summary>
/// Changes tenants and puts what the store then has in force, for their accounts and keys too. One change at a time: an older reading never
/// overwrites a newer one.
/// </summary>
public sealed class TenantChanges(ITenantStore store, CurrentTenants current, ConfigurationWriter<SmtpAccount> accounts, KeyChanges keys)
    : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Reads all tenants from the store. Throws <see cref="StoreRefusedException"/> when a secret cannot be opened.</summary>
    public Task LoadAsync() => InTurnAsync(static () => Task.FromResult(true));

    /// <summary>True: created.</summary>
    public Task<bool> PutAsync(Tenant tenant, string actor) => InTurnAsync(() => store.PutTenantAsync(tenant, actor));

    /// <summary>With its accounts, webhooks and keys.</summary>
    public Task<DeleteResult> DeleteAsync(string id, string actor) => InTurnAsync(() => store.DeleteTenantAsync(id, actor));

    public void Dispose() => _turn.Dispose();

    private async Task<T> InTurnAsync<T>(Func<Task<T>> change)
    {
        await _turn.WaitAsync();
        try
        {
            var result = await change();
            current.Swap(new(await store.TenantsAsync()));
            await accounts.ReloadAsync();
            await keys.LoadAsync();
            return result;
        }
        finally
        {
            _turn.Release();
        }
    }
}
