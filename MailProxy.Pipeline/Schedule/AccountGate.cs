using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// Who may send now: the installation's limit in front of all, then each tenant's, then each account's. A refusal by any takes nothing from
/// the others. It never waits. A change of a limit takes effect at once; counts are kept.
/// </summary>
internal sealed class AccountGate
{
    /// <summary>Counts that are all over are kept for this long.</summary>
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(10);

    private readonly CurrentAccounts _accounts;
    private readonly AccountLimits _global;
    private readonly TimeProvider _clock;
    private readonly LimiterTable _limiters;
    private readonly Lock _backGate = new();
    private HashSet<LimitKey> _back = [];

    public AccountGate(CurrentAccounts accounts, AccountLimits global, TimeProvider clock)
    {
        _accounts = accounts;
        _global = global;
        _clock = clock;
        _limiters = new(Make);
        Adapted = new(clock);
    }

    /// <summary>The rates of accounts whose providers asked for less.</summary>
    public AdaptiveRates Adapted { get; }

    /// <summary>Under which keys permits came back unspent since the last call: waits for those limits may be over early.</summary>
    public IReadOnlyCollection<LimitKey> TakeGivenBack()
    {
        lock (_backGate)
        {
            if (_back.Count == 0)
                return [];
            var back = _back;
            _back = [];
            return back;
        }
    }

    /// <summary>Replaces the counts under these keys by what another node counted.</summary>
    public void Replace(IReadOnlyCollection<LimitKey> keys, IEnumerable<LimitUse> uses)
    {
        foreach (var key in keys)
            _limiters.Drop(key);
        var wanted = keys.ToHashSet();
        Seed(uses.Where(use => wanted.Contains(use.Key)));
    }

    /// <summary>Replaces the counts by those from before a restart.</summary>
    public void Seed(IEnumerable<LimitUse> uses)
    {
        foreach (var counted in uses.GroupBy(use => use.Key))
            _limiters.Of(counted.Key).Seed(counted);
    }

    /// <summary>
    /// Asks for one transaction of up to so many recipients. The request is cut to the slice that the limits allow, so that it can never
    /// wait for ever.
    /// </summary>
    public GateAnswer Ask(SmtpAccount account, int recipients)
    {
        var slice = Math.Clamp(recipients, 1, Math.Max(1, SliceSize(account)));
        var tenant = TenantOf(account);
        slice = Fit(LimitKey.Installation, _global, slice);
        slice = tenant is null ? slice : Fit(tenant.LimitKey, tenant.Limits, slice);
        slice = Fit(LimitKey.Of(account.Key), account.Limits, slice);
        if (Take(LimitKey.Installation, _global, slice, out var global) is { } everybody)
            return Refused(everybody, LimitScope.Installation, _global);

        AccountLease? shared = null;
        if (tenant is not null && Take(tenant.LimitKey, tenant.Limits, slice, out shared) is { } theirs)
        {
            global?.Dispose();
            return Refused(theirs, LimitScope.Tenant, tenant.Limits);
        }

        if (Take(LimitKey.Of(account.Key), account.Limits, slice, out var own) is { } refusal)
        {
            shared?.Dispose();
            global?.Dispose();
            return Refused(refusal, LimitScope.Account, account.Limits);
        }

        // A person said that mail fails at a limit of his, not at what its provider asks for.
        if (Adapted.Take(account.Key) is { } slowed)
        {
            own?.Dispose();
            shared?.Dispose();
            global?.Dispose();
            return new(null, slowed, LimitScope.Account, false);
        }

        var counts = new PermitCounts(
            new(LimitKey.Of(account.Key), own?.Permits ?? 0),
            tenant is null ? default : new(tenant.LimitKey, shared?.Permits ?? 0),
            new(LimitKey.Installation, global?.Permits ?? 0)
        );
        return new(new GatePermit(own, shared, global, counts, slice, this, account.Key), null, LimitScope.Account, false);
    }

    /// <summary>
    /// Recipients that one transaction of this account may carry under its own, its tenant's and the installation's limits.
    /// </summary>
    public int SliceSize(SmtpAccount account) =>
        Math.Min(account.SliceSize, Math.Min(Slice(_global), TenantOf(account) is { } tenant ? Slice(tenant.Limits) : int.MaxValue));

    /// <summary>
    /// How far the limits under a key are used up; empty when there are none. Safe to call from any thread.
    /// </summary>
    public IReadOnlyList<LimitUsage> Usage(LimitKey key)
    {
        if (LimitsOf(key).IsUnlimited)
            return [];
        return (_limiters.Find(key) ?? Make(key)).Usage();
    }

    /// <summary>How many accounts, tenants and installations have counts.</summary>
    public int Count => _limiters.Count;

    /// <summary>Drops the counts of accounts and tenants that are gone, and those that have been idle. By the scheduler's loop.</summary>
    public void Trim()
    {
        var directory = _accounts.Directory;
        _limiters.Keep((key, limiter) => directory.Has(key) && !(limiter.IdleDuration > Idle));
        Adapted.Trim(directory);
    }

    /// <summary>Drops the counts of accounts and tenants that are gone since an earlier directory.</summary>
    public void ForgetGone(AccountDirectory before)
    {
        var directory = _accounts.Directory;
        Adapted.Trim(directory);
        if (!ReferenceEquals(before.Tenants, directory.Tenants))
        {
            _limiters.Keep((key, _) => directory.Has(key));
            return;
        }

        foreach (var account in directory.ChangedSince(before))
        {
            if (directory.Find(account) is null)
                _limiters.Drop(LimitKey.Of(account));
        }
    }

    internal void GiveBack(in PermitCounts counts)
    {
        lock (_backGate)
        {
            foreach (var count in (ReadOnlySpan<PermitCount>)[counts.Account, counts.Tenant, counts.Installation])
            {
                if (count.Permits > 0)
                    _back.Add(count.Key);
            }
        }
    }

    private static int Slice(AccountLimits limits) => limits.Count == LimitCount.Recipients ? limits.SmallestWindow : int.MaxValue;

    private static GateAnswer Refused(LimitRefusal refusal, LimitScope owner, AccountLimits limits) =>
        new(null, refusal, owner, limits.WhenReached == LimitReached.Fail);

    // Null when the tenant has no limits.
    private Tenant? TenantOf(SmtpAccount account) =>
        _accounts.Directory.Tenants.Find(account.Tenant) is { Limits.IsUnlimited: false, Number: > 0 } tenant ? tenant : null;

    // What is left of a limit is used, in a slice that is smaller: else up to a slice less one would go unused in each window.
    private int Fit(LimitKey key, AccountLimits limits, int recipients) =>
        limits.IsUnlimited || limits.Count == LimitCount.Messages ? recipients : _limiters.Of(key).Fit(recipients);

    /// <summary>Null: granted, or there is no limit to ask.</summary>
    private LimitRefusal? Take(LimitKey key, AccountLimits limits, int recipients, out AccountLease? lease)
    {
        lease = null;
        if (limits.IsUnlimited)
            return null;
        lease = (AccountLease)_limiters.AttemptAcquire(key, limits.Count == LimitCount.Messages ? 1 : recipients);
        return lease.Refusal;
    }

    private AccountLimits LimitsOf(LimitKey key) => _accounts.Directory.LimitsOf(key, _global);

    private AccountRateLimiter Make(LimitKey key) => new(() => LimitsOf(key), _clock);
}

/// <summary>A permit, or which limit refused.</summary>
/// <param name="Owner">Whose limit refused.</param>
/// <param name="Fail">The mail is to fail instead of waiting.</param>
internal readonly record struct GateAnswer(SendPermit? Permit, LimitRefusal? Refusal, LimitScope Owner, bool Fail);

/// <summary>Permits of the account's partition, the tenant's and the installation's, spent or given back together.</summary>
internal sealed class GatePermit(
    AccountLease? own,
    AccountLease? shared,
    AccountLease? global,
    PermitCounts counts,
    int recipients,
    AccountGate gate,
    AccountKey account
) : SendPermit
{
    private bool _spent,
        _isOver;

    public override bool IsAcquired => true;
    public override PermitCounts Counts => counts;
    public override int MaxRecipients => recipients;
    public override IEnumerable<string> MetadataNames => [];

    public override void Spend()
    {
        _spent = true;
        own?.Spend();
        shared?.Spend();
        global?.Spend();
    }

    public override bool TryGetMetadata(string metadataName, out object? metadata)
    {
        metadata = null;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        own?.Dispose();
        shared?.Dispose();
        global?.Dispose();
        if (_spent || _isOver)
            return;
        _isOver = true;
        gate.Adapted.GiveBack(account);
        if ((own ?? shared ?? global) is not null)
            gate.GiveBack(counts);
    }
}

/// <summary>
/// No permit at all: a limit says that a mail fails rather than waits, or nobody may send it. Whoever gets it reports the mail as
/// unsendable.
/// </summary>
internal sealed class RefusedPermit(string refusal, string status) : SendPermit
{
    public override bool IsAcquired => false;
    public override int MaxRecipients => int.MaxValue;
    public override string? Refusal => refusal;
    public override string RefusalStatus => status;
    public override IEnumerable<string> MetadataNames => [];

    /// <summary>The limit of an account that says so.</summary>
    public static RefusedPermit AtLimit(string limit) => new($"A limit is reached and mail does not wait for it: {limit}.", "5.7.28");

    /// <summary>No account of the pool is left.</summary>
    public static RefusedPermit OfPool(Pool pool) =>
        new($"No account of the pool '{pool.Id}' may send from the message's From address.", "5.7.1");

    public override void Spend() => throw new InvalidOperationException("A mail that was refused its permit must not be sent.");

    public override bool TryGetMetadata(string metadataName, out object? metadata)
    {
        metadata = null;
        return false;
    }
}
