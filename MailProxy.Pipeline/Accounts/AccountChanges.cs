using System.Net;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Disk;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Accounts;

/// <summary>
/// Changes accounts and puts what the store then has in force, so that a change acts at once. One change at a time: an older reading never
/// overwrites a newer one.
/// </summary>
public sealed partial class AccountChanges(IAccountStore store, CurrentAccounts current, CurrentTenants tenants, ILogger? logger = null)
    : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private IPEndPoint? _sandbox;

    /// <summary>
    /// Reads all accounts from the store, and the tenants that are in force. Throws <see cref="StoreRefusedException"/> when a secret
    /// cannot be opened.
    /// </summary>
    public Task LoadAsync() => InTurnAsync(static () => Task.FromResult(true));

    /// <summary>The built-in catcher listens there from now on.</summary>
    public Task SandboxListensAsync(IPEndPoint endpoint) =>
        InTurnAsync(() =>
        {
            _sandbox = endpoint;
            return Task.FromResult(true);
        });

    /// <summary>True: created.</summary>
    public Task<bool> PutAsync(SmtpAccount account, string actor) => ToldAsync(account.Tenant, () => store.PutAccountAsync(account, actor));

    public Task<DeleteResult> DeleteAsync(string tenant, string id, string actor) =>
        ToldAsync(tenant, () => store.DeleteAccountAsync(tenant, id, actor));

    /// <summary>False: there is no such account.</summary>
    public Task<bool> SetPausedAsync(string tenant, string id, bool paused, string actor) =>
        InTurnAsync(() => store.SetPausedAsync(tenant, id, paused, actor));

    public void Dispose() => _turn.Dispose();

    // A new account may silently take all mail that names none, out of the sandbox into the world: an operator wants to read that once.
    private Task<T> ToldAsync<T>(string tenant, Func<Task<T>> change)
    {
        SmtpAccount? before = null;
        return InTurnAsync(
            () =>
            {
                before = current.Directory.Default(tenant);
                return change();
            },
            () => Tell(tenant, before, current.Directory.Default(tenant))
        );
    }

    private void Tell(string tenant, SmtpAccount? before, SmtpAccount? now)
    {
        if (logger is null || before?.Key == now?.Key)
            return;
        if (now is null)
            Log.NoDefault(logger, tenant);
        else if (before is { Sandbox: true } && !now.Sandbox)
            Log.LeavesTheSandbox(logger, tenant, now.Id);
        else
            Log.Default(logger, tenant, now.Id);
    }

    private async Task<T> InTurnAsync<T>(Func<Task<T>> change, Action? after = null)
    {
        await _turn.WaitAsync();
        try
        {
            var result = await change();
            current.Swap(new AccountDirectory(await store.AccountsAsync(), _sandbox, tenants.Directory));
            after?.Invoke();
            return result;
        }
        finally
        {
            _turn.Release();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(
            760,
            LogLevel.Information,
            "Mail of tenant {Tenant} that names no account goes through the account {Account} from now on, and no longer into the sandbox"
        )]
        public static partial void LeavesTheSandbox(ILogger logger, string tenant, string account);

        [LoggerMessage(
            761,
            LogLevel.Information,
            "Mail of tenant {Tenant} that names no account goes through the account {Account} from now on"
        )]
        public static partial void Default(ILogger logger, string tenant, string account);

        [LoggerMessage(
            762,
            LogLevel.Warning,
            "Mail of tenant {Tenant} that names no account is refused from now on (account_required): the tenant has no account, "
                + "or several and no default_account"
        )]
        public static partial void NoDefault(ILogger logger, string tenant);
    }
}
