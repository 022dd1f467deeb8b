using System.Collections.Concurrent;
using System.Collections.Frozen;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// The domains of accounts that have a limit or are slowed, with what was counted. Bounded, and each tenant has its share. Safe to call
/// from any thread.
/// </summary>
/// <param name="most">Destinations at a time; idle ones leave.</param>
internal sealed class DestinationTable(CurrentAccounts accounts, TimeProvider clock, int most, TenantShare share)
{
    /// <summary>Domains for which an account may be slowed; all together half of the destinations that there may be.</summary>
    private const int MostSlowed = 1_000;

    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<AccountKey, ConcurrentDictionary<string, Kept>> _accounts = [];
    private readonly Lock _gate = new(); // for whoever adds, removes or slows one
    private readonly SharedCapacity _places = new(most, share);
    private readonly Dictionary<AccountKey, int> _slowedOf = [];
    private HashSet<AccountKey> _over = [];
    private volatile FrozenSet<AccountKey>? _slowed; // replaced whole; null: none is
    private long _trimmed;

    public int Count => (int)_places.Used;

    /// <summary>Destinations that are slowed.</summary>
    public int Slowed
    {
        get
        {
            lock (_gate)
                return _slowedOf.Values.Sum();
        }
    }

    /// <summary>A tenant's part of the destinations that there may be.</summary>
    public void ShowIn(TenantShares shares) => shares.Add("destinations", _places);

    /// <summary>Whether anything is to be asked of the account's mail. Costs nothing where no destination is slowed.</summary>
    public bool Concerns(SmtpAccount account) => account.Limits.Destinations is not null || _slowed?.Contains(account.Key) is true;

    /// <summary>Of an account, with their domains.</summary>
    public IEnumerable<(string Domain, Destination Destination)> Of(AccountKey account) =>
        _accounts.TryGetValue(account, out var own) ? own.Select(static one => (one.Key, one.Value.Destination)) : [];

    /// <summary>Null: nothing has been counted.</summary>
    public Destination? Known(AccountKey account, string domain) =>
        _accounts.TryGetValue(account, out var own) && own.TryGetValue(domain, out var kept) ? kept.Destination : null;

    /// <summary>Whether mail to the domain goes unasked: there is no limit for it, and it is not slowed.</summary>
    /// <param name="destination">Else where to ask; null: the tenant has as many as it may have.</param>
    public bool IsFree(SmtpAccount account, string domain, out Destination? destination)
    {
        if (account.Limits.Destinations?.Of(domain) is not null)
        {
            destination = Find(account.Key, domain);
            return false;
        }

        destination = _slowed is null ? null : Known(account.Key, domain);
        return destination is not { IsSlowed: true };
    }

    /// <summary>Null: the account is gone, or its tenant has as many as it may have.</summary>
    public Destination? Find(AccountKey account, string domain)
    {
        if (Known(account, domain) is { } known)
            return known;
        if (accounts.Directory.Find(account)?.Tenant is not { } tenant)
            return null;
        lock (_gate)
        {
            if (Known(account, domain) is { } made)
                return made;
            if ((_places.TryTake(tenant, 1) ?? (HasTrimmed() ? _places.TryTake(tenant, 1) : null)) is not { } place)
                return null;
            var destination = new Destination(() => LimitsOf(account, domain), clock);
            _accounts.GetOrAdd(account, static _ => [])[domain] = new(destination, place);
            return destination;
        }
    }

    /// <summary>An account's provider asks for less to a domain. Nothing comes of it when there are as many as there may be.</summary>
    /// <param name="measured">Messages a minute by the account until now.</param>
    public void Slow(SmtpAccount account, SlowedDestination slowed, double measured)
    {
        lock (_gate)
        {
            var isNew = Known(account.Key, slowed.Domain) is not { IsSlowed: true };
            if (isNew && !MaySlow(account))
                return;
            if (Find(account.Key, slowed.Domain) is not { } destination)
                return;
            destination.Slow(slowed, measured, account.Version);
            if (isNew)
                CountSlowed(account.Key);
        }
    }

    /// <summary>Forgets what an account's provider asked for. False: it had not.</summary>
    public bool Reset(AccountKey account)
    {
        lock (_gate)
        {
            if (!_slowedOf.Remove(account))
                return false;
            foreach (var (_, destination) in Of(account))
                destination.Hurry(null);
            Publish();
            return true;
        }
    }

    /// <summary>Accounts some of whose destinations are slowed no longer, since the last call.</summary>
    public IReadOnlyCollection<AccountKey> TakeOver()
    {
        lock (_gate)
        {
            var over = _over;
            _over = [];
            return over;
        }
    }

    /// <summary>Drops those of accounts that are gone, and those that have been idle.</summary>
    public void Trim()
    {
        var directory = accounts.Directory;
        lock (_gate)
        {
            _slowedOf.Clear();
            foreach (var (key, own) in _accounts)
            {
                var account = directory.Find(key);
                foreach (var (domain, (destination, place)) in own)
                {
                    if (destination.Hurry(account?.Version))
                        _over.Add(key);
                    if (destination.IsSlowed)
                        _slowedOf[key] = _slowedOf.GetValueOrDefault(key) + 1;
                    else if (account?.Limits.Destinations?.Of(domain) is null || destination.IsIdle(Idle))
                    {
                        own.TryRemove(domain, out _);
                        place.Dispose();
                    }
                }

                if (own.IsEmpty)
                    _accounts.TryRemove(key, out _);
            }

            Publish();
        }
    }

    // All below under the lock.

    private bool MaySlow(SmtpAccount account)
    {
        if (_slowedOf.GetValueOrDefault(account.Key) >= MostSlowed)
            return false;
        var directory = accounts.Directory;
        var own = _slowedOf.Where(one => directory.Find(one.Key)?.Tenant == account.Tenant).Sum(static one => one.Value);
        return share.Allows(most / 2, _slowedOf.Values.Sum() - own, own, 1);
    }

    private void CountSlowed(AccountKey account)
    {
        var before = _slowedOf.GetValueOrDefault(account);
        _slowedOf[account] = before + 1;
        if (before == 0)
            Publish();
    }

    private void Publish() => _slowed = _slowedOf.Count == 0 ? null : _slowedOf.Keys.ToFrozenSet();

    // Looking at all of them takes a while, so not for each mail.
    private bool HasTrimmed()
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        if (now - _trimmed < 1_000)
            return false;
        _trimmed = now;
        Trim();
        return true;
    }

    private AccountLimits LimitsOf(AccountKey key, string domain) =>
        accounts.Directory.Find(key)?.Limits is { Destinations: { } destinations } limits && destinations.Of(domain) is { } own
            ? own with
            {
                Count = limits.Count,
                WhenReached = limits.WhenReached,
            }
            : AccountLimits.None;

    /// <param name="Place">What it holds of the destinations that there may be.</param>
    private readonly record struct Kept(Destination Destination, SharedCapacity.Charge Place);
}
