using System.Collections.Concurrent;
using System.Threading.RateLimiting;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// Who may send now: the installation's own partition (key 0) in front of all, then one for each tenant (below 0), then one for each
/// account. A refusal by any takes nothing from the others. Never waits. Limits changed at run time hold at once; counts are kept.
/// </summary>
internal sealed class AccountGate : IDisposable
{
    private static readonly AccountKey Installation = new(0);

    private readonly CurrentAccounts _accounts;
    private readonly AccountLimits _global;
    private readonly TimeProvider _clock;
    private readonly PartitionedRateLimiter<AccountKey> _limiters;
    private readonly ConcurrentDictionary<AccountKey, AccountRateLimiter> _live = [];
    private long _givenBack;

    public AccountGate(CurrentAccounts accounts, AccountLimits global, TimeProvider clock)
    {
        _accounts = accounts;
        _global = global;
        _clock = clock;
        _limiters = PartitionedRateLimiter.Create<AccountKey, AccountKey>(key => RateLimitPartition.Get(key, Make));
    }

    /// <summary>How many permits came back unspent. When it rises, a wait for a limit may be over early.</summary>
    public long GivenBack => Interlocked.Read(ref _givenBack);

    /// <summary>What was counted before a restart, in place of what is counted now.</summary>
    public void Seed(IEnumerable<LimitUse> uses)
    {
        foreach (var account in uses.GroupBy(u => u.Account))
        {
            using var touch = _limiters.AttemptAcquire(account.Key, 0);
            _live[account.Key].Seed(account);
        }
    }

    /// <summary>
    /// Asks for one transaction of up to so many recipients. The request is cut to the slice that the limits allow, so that it can never
    /// wait for ever.
    /// </summary>
    public GateAnswer Ask(SmtpAccount account, int recipients)
    {
        var slice = Math.Clamp(recipients, 1, Math.Max(1, SliceSize(account)));
        if (Take(Installation, _global, slice, out var global) is { } everybody)
            return Refused(everybody, LimitOwner.Installation, _global);

        var tenant = TenantOf(account);
        AccountLease? shared = null;
        if (tenant is not null && Take(tenant.LimitKey, tenant.Limits, slice, out shared) is { } theirs)
        {
            global?.Dispose();
            return Refused(theirs, LimitOwner.Tenant, tenant.Limits);
        }

        if (Take(account.Key, account.Limits, Math.Min(slice, account.SliceSize), out var own) is { } refusal)
        {
            shared?.Dispose();
            global?.Dispose();
            return Refused(refusal, LimitOwner.Account, account.Limits);
        }

        return new(new GatePermit(own, shared, tenant?.LimitKey ?? default, global, slice, this), null, LimitOwner.Account, false);
    }

    /// <summary>
    /// Recipients that one transaction of this account may carry under its own, its tenant's and the installation's limits.
    /// </summary>
    public int SliceSize(SmtpAccount account) =>
        Math.Min(account.SliceSize, Math.Min(Slice(_global), TenantOf(account) is { } tenant ? Slice(tenant.Limits) : int.MaxValue));

    /// <summary>
    /// How far an account's limits are used up; empty when it has none. <see cref="AccountKey"/> 0: the installation's. Safe to call from
    /// any thread.
    /// </summary>
    public IReadOnlyList<LimitUsage> Usage(AccountKey account)
    {
        if (LimitsOf(account).IsUnlimited)
            return [];
        using var touch = _limiters.AttemptAcquire(account, 0);
        return _live.TryGetValue(account, out var limiter) ? limiter.Usage() : [];
    }

    public void Dispose() => _limiters.Dispose();

    internal void CountGivenBack() => Interlocked.Increment(ref _givenBack);

    private static int Slice(AccountLimits limits) => limits.Count == LimitCount.Recipients ? limits.SmallestWindow : int.MaxValue;

    private static GateAnswer Refused(LimitRefusal refusal, LimitOwner owner, AccountLimits limits) =>
        new(null, refusal, owner, limits.WhenReached == LimitReached.Fail);

    // Null: it has no limits.
    private Tenant? TenantOf(SmtpAccount account) =>
        _accounts.Directory.Tenants.Find(account.Tenant) is { Limits.IsUnlimited: false, Number: > 0 } tenant ? tenant : null;

    /// <summary>Null: granted, or there is no limit to ask.</summary>
    private LimitRefusal? Take(AccountKey partition, AccountLimits limits, int recipients, out AccountLease? lease)
    {
        lease = null;
        if (limits.IsUnlimited)
            return null;
        lease = (AccountLease)_limiters.AttemptAcquire(partition, limits.Count == LimitCount.Messages ? 1 : recipients);
        return lease.Refusal;
    }

    private AccountLimits LimitsOf(AccountKey partition) =>
        partition.Number switch
        {
            0 => _global,
            < 0 => _accounts.Directory.Tenants.Find(partition)?.Limits ?? AccountLimits.None,
            _ => _accounts.Directory.Find(partition)?.Limits ?? AccountLimits.None,
        };

    // An idle partition is dropped by the built-in limiter and made anew here, so the last one made is the one in force.
    private AccountRateLimiter Make(AccountKey account) => _live[account] = new(() => LimitsOf(account), _clock);
}

/// <summary>A permit, or which limit refused.</summary>
/// <param name="Owner">Whose limit refused.</param>
/// <param name="Fail">The mail is to fail instead of waiting.</param>
internal readonly record struct GateAnswer(SendPermit? Permit, LimitRefusal? Refusal, LimitOwner Owner, bool Fail);

/// <summary>Whose limit it is, and so who waits when it is used up.</summary>
internal enum LimitOwner : byte
{
    Account = 0,
    Tenant = 1,
    Installation = 2,
}

/// <summary>Permits of the account's partition, the tenant's and the installation's, spent or given back together.</summary>
internal sealed class GatePermit(
    AccountLease? own,
    AccountLease? shared,
    AccountKey tenant,
    AccountLease? global,
    int recipients,
    AccountGate gate
) : SendPermit
{
    private bool _spent;

    public override bool IsAcquired => true;
    public override int AccountPermits => own?.Permits ?? 0;
    public override int TenantPermits => shared?.Permits ?? 0;
    public override AccountKey Tenant => tenant;
    public override int GlobalPermits => global?.Permits ?? 0;
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
        if (!_spent && (own ?? shared ?? global) is not null)
            gate.CountGivenBack();
    }
}

/// <summary>
/// No permit at all: the account's limits say that a mail fails rather than waits. Whoever gets it reports the mail as unsendable.
/// </summary>
internal sealed class RefusedPermit(string refusal) : SendPermit
{
    public override bool IsAcquired => false;
    public override int AccountPermits => 0;
    public override int GlobalPermits => 0;
    public override int MaxRecipients => int.MaxValue;
    public override string? Refusal => refusal;
    public override IEnumerable<string> MetadataNames => [];

    public override void Spend() => throw new InvalidOperationException("A mail that was refused its permit must not be sent.");

    public override bool TryGetMetadata(string metadataName, out object? metadata)
    {
        metadata = null;
        return false;
    }
}
