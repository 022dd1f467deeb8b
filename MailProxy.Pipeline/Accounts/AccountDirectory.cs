using System.Net;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Accounts;

/// <summary>All SMTP accounts at one instant: an immutable snapshot, swapped whole when one changes.</summary>
public sealed class AccountDirectory
{
    public static readonly AccountDirectory Empty = new([], null);

    // Thousands of accounts are there, and one changes.
    private readonly SteppedMap<AccountKey, SmtpAccount> _byKey;
    private readonly SteppedMap<string, IReadOnlyList<SmtpAccount>> _byTenant;

    // The directory that this one differs from in one account; null: it was made whole.
    private readonly WeakReference<AccountDirectory>? _before;
    private readonly AccountKey _changed;

    /// <param name="tenants">As they are at this instant; null: as in a new store.</param>
    /// <param name="pools">As they are at this instant; null: there are none.</param>
    public AccountDirectory(
        IEnumerable<SmtpAccount> accounts,
        IPEndPoint? sandbox,
        TenantDirectory? tenants = null,
        PoolDirectory? pools = null
    )
    {
        Tenants = tenants ?? TenantDirectory.Initial;
        Pools = pools ?? PoolDirectory.Empty;
        Sandbox = sandbox;
        _byKey = new(accounts.Select(account => KeyValuePair.Create(account.Key, InTenant(account))));
        _byTenant = new(
            _byKey.GroupBy(static account => account.Tenant).Select(static group => KeyValuePair.Create(group.Key, List(group)))
        );
    }

    private AccountDirectory(AccountDirectory before, SmtpAccount? was, SmtpAccount? now)
    {
        (Tenants, Sandbox, Pools) = (before.Tenants, before.Sandbox, before.Pools);
        (_before, _changed) = (new(before), (now ?? was)!.Key);
        _byKey = now is null ? before._byKey.Without(_changed) : before._byKey.With(_changed, now);
        var tenant = (now ?? was)!.Tenant;
        var others = before.OfTenant(tenant).Where(account => account.Key != _changed);
        _byTenant = before._byTenant.With(tenant, now is null ? [.. others] : [.. others, now]);
    }

    /// <summary>With one account made or changed.</summary>
    public AccountDirectory With(SmtpAccount account) => new(this, Find(account.Key), InTenant(account));

    /// <summary>Without one of its accounts.</summary>
    public AccountDirectory Without(SmtpAccount account) => new(this, account, null);

    /// <summary>Accounts that are new, changed or gone since an earlier directory.</summary>
    public IEnumerable<AccountKey> ChangedSince(AccountDirectory before)
    {
        if (_before is not null && _before.TryGetTarget(out var last) && ReferenceEquals(last, before))
            return [_changed];
        var changed = _byKey.Where(now => !ReferenceEquals(before.Find(now.Key), now)).Select(static now => now.Key);
        return changed.Concat(before._byKey.Select(static was => was.Key).Where(key => Find(key) is null));
    }

    /// <summary>The tenants of the same instant.</summary>
    public TenantDirectory Tenants { get; }

    /// <summary>The pools of the same instant.</summary>
    public PoolDirectory Pools { get; }

    public IReadOnlyCollection<SmtpAccount> All => _byKey;

    public IReadOnlyList<SmtpAccount> OfTenant(string tenant) => _byTenant.Find(tenant) ?? [];

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
    public IEnumerable<LaneKey> LanesOf(string tenant) =>
        OfTenant(tenant).Select(static a => Lanes.Of(a.Key)).Concat(Pools.OfTenant(tenant).Select(static p => Lanes.Of(p.Key)));

    /// <summary>The lane of an account, and those of the pools that it is in. One that is gone is in no pool.</summary>
    public IEnumerable<LaneKey> LanesWith(AccountKey key) =>
        Find(key) is { } account
            ? Pools.With(account.Tenant, account.Id).Select(static pool => Lanes.Of(pool.Key)).Prepend(Lanes.Of(key))
            : [Lanes.Of(key)];

    /// <summary>The accounts of a pool that there are, in its order.</summary>
    public IEnumerable<(SmtpAccount Account, int Weight)> MembersOf(Pool pool)
    {
        foreach (var member in pool.Accounts)
        {
            if (Find(pool.Tenant, member.Account) is { } account)
                yield return (account, member.Weight);
        }
    }

    /// <summary>The pool whose lane it is; null: it is an account's, or there is none.</summary>
    public Pool? PoolOf(LaneKey lane) => Lanes.PoolOf(lane) is { } pool ? Pools.Find(pool) : null;

    /// <summary>The account by whose rules the lane's mail is judged: its own, or the first of its pool; null: there is none.</summary>
    public SmtpAccount? JudgeOf(LaneKey lane) =>
        PoolOf(lane) is { } pool ? MembersOf(pool).Select(static member => member.Account).FirstOrDefault() : OfLane(lane);

    /// <summary>Whose the lane is; null: its account or pool is gone.</summary>
    public string? TenantOf(LaneKey lane) => OfLane(lane)?.Tenant ?? PoolOf(lane)?.Tenant;

    /// <summary>The account whose lane it is, and by which its mail goes; null: it is a pool's, or there is none.</summary>
    public SmtpAccount? OfLane(LaneKey lane) => Find(Lanes.AccountOf(lane));

    public SmtpAccount? Find(AccountKey key) => _byKey.Find(key);

    public SmtpAccount? Find(string tenant, string id)
    {
        foreach (var account in OfTenant(tenant))
        {
            if (account.Id == id)
                return account;
        }

        return null;
    }

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
        foreach (var account in OfTenant(tenant))
        {
            if (account.Sandbox)
                sandbox = account;
            else if (real is not null)
                return null;
            else
                real = account;
        }

        return real ?? sandbox;
    }

    private SmtpAccount InTenant(SmtpAccount account) =>
        account.TenantSuspended == Tenants.IsSuspended(account.Tenant)
            ? account
            : account with
            {
                TenantSuspended = !account.TenantSuspended,
            };

    private static IReadOnlyList<SmtpAccount> List(IEnumerable<SmtpAccount> accounts) => [.. accounts];
}

/// <summary>Holds the directory that is in force, and what batches weigh. Written by whoever reads them from the store, read everywhere.
/// </summary>
public sealed class CurrentAccounts
{
    private AccountDirectory _directory = AccountDirectory.Empty;
    private BatchWeights _weights = BatchWeights.None;

    public AccountDirectory Directory => Volatile.Read(ref _directory);

    public BatchWeights Weights => Volatile.Read(ref _weights);

    /// <summary>Raised after a swap, on the swapping thread; a handler must not block.</summary>
    public event Action? Changed;

    public void Swap(AccountDirectory directory)
    {
        Volatile.Write(ref _directory, directory);
        Volatile.Write(ref _weights, Weights.Of(directory.Tenants));
        Changed?.Invoke();
    }

    public void Weigh(BatchWeights weights)
    {
        Volatile.Write(ref _weights, weights);
        Changed?.Invoke();
    }
}
