using System.Collections.Frozen;
using System.Net;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Accounts;

/// <summary>All SMTP accounts at one instant: an immutable snapshot, swapped whole when one changes.</summary>
public sealed class AccountDirectory
{
    public static readonly AccountDirectory Empty = new([], null);

    private readonly FrozenDictionary<AccountKey, SmtpAccount> _byKey;
    private readonly FrozenDictionary<(string Tenant, string Id), SmtpAccount> _byName;

    /// <param name="tenants">As they are at this instant; null: as in a new store.</param>
    public AccountDirectory(IReadOnlyCollection<SmtpAccount> accounts, IPEndPoint? sandbox, TenantDirectory? tenants = null)
    {
        Tenants = tenants ?? TenantDirectory.Initial;
        All = Tenants.All.All(tenant => tenant.Active)
            ? accounts
            : [.. accounts.Select(a => a with { TenantSuspended = Tenants.IsSuspended(a.Tenant) })];
        Sandbox = sandbox;
        _byKey = All.ToFrozenDictionary(a => a.Key);
        _byName = All.ToFrozenDictionary(a => (a.Tenant, a.Id));
    }

    /// <summary>The tenants of the same instant.</summary>
    public TenantDirectory Tenants { get; }

    public IReadOnlyCollection<SmtpAccount> All { get; }

    /// <summary>Where the built-in catcher listens, once it does.</summary>
    public IPEndPoint? Sandbox { get; }

    /// <summary>The rule for large files of the account's mail: its own, else its tenant's.</summary>
    public LargeFiles? LargeFilesOf(SmtpAccount account) => account.LargeFiles ?? Tenants.Find(account.Tenant)?.LargeFiles;

    /// <summary>How long its mail lasts that says nothing else: the account's rule, else its tenant's; null: neither has one.</summary>
    public TimeSpan? ExpiryOf(SmtpAccount account) => account.ExpiresAfter ?? Tenants.Find(account.Tenant)?.ExpiresAfter;

    /// <summary>The account's retry schedule, else its tenant's; null: neither has one.</summary>
    public RetrySchedule? RetryOf(AccountKey key) => Find(key) is { } account ? account.Retry ?? Tenants.Find(account.Tenant)?.Retry : null;

    /// <summary>The limits that are counted under a key; none when whose they are is gone.</summary>
    public AccountLimits LimitsOf(LimitKey key, AccountLimits installation) =>
        key.Scope switch
        {
            LimitScope.Installation => installation,
            LimitScope.Tenant => Tenants.Find(key.Number)?.Limits ?? AccountLimits.None,
            _ => Find(new AccountKey(key.Number))?.Limits ?? AccountLimits.None,
        };

    /// <summary>Whether the account or tenant whose limits are counted under a key is still there.</summary>
    public bool Has(LimitKey key) =>
        key.Scope switch
        {
            LimitScope.Installation => true,
            LimitScope.Tenant => Tenants.Find(key.Number) is not null,
            _ => Find(new AccountKey(key.Number)) is not null,
        };

    /// <summary>Every lane that a tenant's mail may wait in.</summary>
    public IEnumerable<LaneKey> LanesOf(string tenant) => All.Where(account => account.Tenant == tenant).Select(a => Lanes.Of(a.Key));

    /// <summary>The account that the lane's mail goes by.</summary>
    public SmtpAccount? OfLane(LaneKey lane) => Find(Lanes.AccountOf(lane));

    public SmtpAccount? Find(AccountKey key) => _byKey.GetValueOrDefault(key);

    public SmtpAccount? Find(string tenant, string id) => _byName.GetValueOrDefault((tenant, id));

    /// <summary>
    /// The account of a message that names none: the tenant's default, else the only one it has, where the sandbox counts only while it is
    /// the only one; null when the client must choose.
    /// </summary>
    public SmtpAccount? Default(string tenant)
    {
        if (Tenants.Find(tenant)?.DefaultAccount is { } chosen)
            return Find(tenant, chosen);
        SmtpAccount? real = null,
            sandbox = null;
        foreach (var account in All)
        {
            if (account.Tenant != tenant)
                continue;
            if (account.Sandbox)
                sandbox = account;
            else if (real is not null)
                return null;
            else
                real = account;
        }

        return real ?? sandbox;
    }
}

/// <summary>Holds the directory that is in force. Written by whoever reads accounts from the store, read everywhere.</summary>
public sealed class CurrentAccounts
{
    private AccountDirectory _directory = AccountDirectory.Empty;

    public AccountDirectory Directory => Volatile.Read(ref _directory);

    /// <summary>Raised after a swap, on the swapping thread; a handler must not block.</summary>
    public event Action? Changed;

    public void Swap(AccountDirectory directory)
    {
        Volatile.Write(ref _directory, directory);
        Changed?.Invoke();
    }
}
