using System.Net;
using MailProxy.Pipeline.Accounts;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Configuration.Accounts;

/// <summary>
/// Puts accounts in force, with the tenants and the built-in catcher of the same instant, and tells when mail that names no account goes
/// another way than before: a new account may silently take it, out of the sandbox into the world.
/// </summary>
public sealed partial class AccountsInForce(CurrentAccounts current, CurrentTenants tenants, ILogger? logger = null)
{
    private Snapshot<SmtpAccount>? _last;

    /// <summary>Where the built-in catcher listens, once it does; in force from the next reading on.</summary>
    public IPEndPoint? Sandbox { get; set; }

    /// <summary>The pools of accounts; in force from the next reading on.</summary>
    public PoolDirectory Pools { get; set; } = PoolDirectory.Empty;

    public void Swap(Snapshot<SmtpAccount> all)
    {
        var before = current.Directory;
        var now = Next(before, all);
        Volatile.Write(ref _last, all);
        current.Swap(now);
        if (logger is not null && !ReferenceEquals(before, AccountDirectory.Empty))
            Tell(logger, before, now);
    }

    // When one account has changed and nothing else, the others are taken over as they are.
    private AccountDirectory Next(AccountDirectory before, Snapshot<SmtpAccount> all)
    {
        var isStep =
            all.Before is { } reference
            && reference.TryGetTarget(out var last)
            && ReferenceEquals(last, _last)
            && ReferenceEquals(before.Tenants, tenants.Directory)
            && ReferenceEquals(before.Pools, Pools)
            && Equals(before.Sandbox, Sandbox);
        if (!isStep || all.Changed is not { Value: { } changed } resource)
            return new(all.Values, Sandbox, tenants.Directory, Pools);
        return all.Find(resource.Tenant, resource.Id) is null ? before.Without(changed) : before.With(changed);
    }

    // Of tenants whose accounts have changed, unless the tenant went with them.
    private static void Tell(ILogger logger, AccountDirectory before, AccountDirectory now)
    {
        var changed = now.ChangedSince(before).Select(key => now.Find(key) ?? before.Find(key)!);
        foreach (var tenant in changed.Select(static account => account.Tenant).Distinct())
        {
            if (now.Tenants.Find(tenant) is not null)
                Tell(logger, tenant, before.Default(tenant), now.Default(tenant));
        }
    }

    private static void Tell(ILogger logger, string tenant, SmtpAccount? before, SmtpAccount? now)
    {
        if (before?.Key == now?.Key)
            return;
        if (now is null)
            Log.NoDefault(logger, tenant);
        else if (before is { Sandbox: true } && !now.Sandbox)
            Log.LeavesTheSandbox(logger, tenant, now.Id);
        else
            Log.Default(logger, tenant, now.Id);
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
