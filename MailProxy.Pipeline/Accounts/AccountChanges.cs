using System.Net;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Accounts;

/// <summary>Changes accounts and puts what the store then has in force, so that a change acts at once. One change at a time: an older reading never overwrites a newer one.</summary>
public sealed class AccountChanges(IAccountStore store, CurrentAccounts current, CurrentTenants tenants) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private IPEndPoint? _sandbox;

    /// <summary>Reads all accounts from the store, and the tenants that are in force. Throws <see cref="StoreRefusedException"/> when a secret cannot be opened.</summary>
    public Task LoadAsync() => InTurnAsync(static () => Task.FromResult(true));

    /// <summary>The built-in catcher listens there from now on.</summary>
    public Task SandboxListensAsync(IPEndPoint endpoint) => InTurnAsync(() =>
    {
        _sandbox = endpoint;
        return Task.FromResult(true);
    });

    /// <summary>True: created.</summary>
    public Task<bool> PutAsync(SmtpAccount account, string actor) => InTurnAsync(() => store.PutAccountAsync(account, actor));

    public Task<DeleteResult> DeleteAsync(string tenant, string id, string actor) => InTurnAsync(() => store.DeleteAccountAsync(tenant, id, actor));

    /// <summary>False: there is no such account.</summary>
    public Task<bool> SetPausedAsync(string tenant, string id, bool paused, string actor) => InTurnAsync(() => store.SetPausedAsync(tenant, id, paused, actor));

    public void Dispose() => _turn.Dispose();

    private async Task<T> InTurnAsync<T>(Func<Task<T>> change)
    {
        await _turn.WaitAsync();
        try
        {
            var result = await change();
            current.Swap(new AccountDirectory(await store.AccountsAsync(), _sandbox, tenants.Directory));
            return result;
        }
        finally
        {
            _turn.Release();
        }
    }
}
