using System.Collections.Concurrent;
using System.Threading.RateLimiting;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Schedule;

/// <summary>Who may send now: a partition for each account, and the installation's own (account 0) in front of all. A refusal by either takes nothing from the other. Never waits. Limits changed at run time hold at once; counts are kept.</summary>
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

    /// <summary>Asks for one transaction of up to so many recipients. The request is cut to the slice that the limits allow, so that it can never wait for ever.</summary>
    public GateAnswer Ask(SmtpAccount account, int recipients)
    {
        var slice = Math.Clamp(recipients, 1, Math.Max(1, SliceSize(account)));
        AccountLease? global = null;
        if (!_global.IsUnlimited)
        {
            global = (AccountLease)_limiters.AttemptAcquire(Installation, _global.Count == LimitCount.Messages ? 1 : slice);
            if (global.Refusal is { } refusal) return new(null, refusal, Global: true, _global.WhenReached == LimitReached.Fail);
        }

        AccountLease? own = null;
        if (!account.Limits.IsUnlimited)
        {
            own = (AccountLease)_limiters.AttemptAcquire(account.Key, account.PermitsFor(slice));
            if (own.Refusal is { } refusal)
            {
                global?.Dispose();
                return new(null, refusal, Global: false, account.Limits.WhenReached == LimitReached.Fail);
            }
        }

        return new(new GatePermit(own, global, slice, this), null, false, false);
    }

    /// <summary>Recipients that one transaction of this account may carry under its own and the installation's limits.</summary>
    public int SliceSize(SmtpAccount account) =>
        _global.Count == LimitCount.Recipients ? Math.Min(account.SliceSize, _global.SmallestWindow) : account.SliceSize;

    /// <summary>How far an account's limits are used up; empty when it has none. <see cref="AccountKey"/> 0: the installation's. Safe to call from any thread.</summary>
    public IReadOnlyList<LimitUsage> Usage(AccountKey account)
    {
        if (LimitsOf(account).IsUnlimited) return [];
        using var touch = _limiters.AttemptAcquire(account, 0);
        return _live.TryGetValue(account, out var limiter) ? limiter.Usage() : [];
    }

    public void Dispose() => _limiters.Dispose();

    internal void CountGivenBack() => Interlocked.Increment(ref _givenBack);

    private AccountLimits LimitsOf(AccountKey account) =>
        account == Installation ? _global : _accounts.Directory.Find(account)?.Limits ?? AccountLimits.None;

    // An idle partition is dropped by the built-in limiter and made anew here, so the last one made is the one in force.
    private AccountRateLimiter Make(AccountKey account) => _live[account] = new(() => LimitsOf(account), _clock);
}

/// <summary>A permit, or which limit refused.</summary>
/// <param name="Global">It was the installation's limit, so nobody may send.</param>
/// <param name="Fail">The mail is to fail instead of waiting.</param>
internal readonly record struct GateAnswer(SendPermit? Permit, LimitRefusal? Refusal, bool Global, bool Fail);

/// <summary>Permits of the account's partition and of the installation's, spent or given back together.</summary>
internal sealed class GatePermit(AccountLease? own, AccountLease? global, int recipients, AccountGate gate) : SendPermit
{
    private bool _spent;

    public override bool IsAcquired => true;
    public override int AccountPermits => own?.Permits ?? 0;
    public override int GlobalPermits => global?.Permits ?? 0;
    public override int MaxRecipients => recipients;
    public override IEnumerable<string> MetadataNames => [];

    public override void Spend()
    {
        _spent = true;
        own?.Spend();
        global?.Spend();
    }

    public override bool TryGetMetadata(string metadataName, out object? metadata)
    {
        metadata = null;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        own?.Dispose();
        global?.Dispose();
        if (!_spent && (own ?? global) is not null) gate.CountGivenBack();
    }
}

/// <summary>No permit at all: the account's limits say that a mail fails rather than waits. Whoever gets it reports the mail as unsendable.</summary>
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
