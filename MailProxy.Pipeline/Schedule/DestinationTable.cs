using System.Collections.Concurrent;
using System.Collections.Frozen;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Schedule;

/// <summary>The domains of accounts that have a limit or are slowed, with what was counted. Safe to call from any thread.</summary>
/// <param name="most">Destinations at a time; idle ones leave.</param>
internal sealed class DestinationTable(CurrentAccounts accounts, TimeProvider clock, int most)
{
    /// <summary>Domains for which an account may be slowed; all together half of the destinations that there may be.</summary>
    private const int MostSlowed = 1_000;

    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<(AccountKey Account, string Domain), Destination> _destinations = [];
    private readonly Lock _slowing = new();
    private HashSet<AccountKey> _over = [];
    private volatile FrozenDictionary<AccountKey, int>? _slowed; // replaced whole; null: none is
    private long _trimmed;

    public int Count => _destinations.Count;

    /// <summary>Destinations that are slowed.</summary>
    public int Slowed => _slowed?.Values.Sum() ?? 0;

    /// <summary>Whether anything is to be asked of the account's mail. Costs nothing where no destination is slowed.</summary>
    public bool Concerns(SmtpAccount account) => account.Limits.Destinations is not null || _slowed?.ContainsKey(account.Key) is true;

    /// <summary>Of an account, with their domains.</summary>
    public IEnumerable<(string Domain, Destination Destination)> Of(AccountKey account) =>
        _destinations.Where(one => one.Key.Account == account).Select(static one => (one.Key.Domain, one.Value));

    /// <summary>Null: nothing has been counted.</summary>
    public Destination? Known(AccountKey account, string domain) => _destinations.GetValueOrDefault((account, domain));

    /// <summary>Whether mail to the domain goes unasked: there is no limit for it, and it is not slowed.</summary>
    /// <param name="destination">Else where to ask; null: there are as many as there may be.</param>
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

    /// <summary>Null: there are as many as there may be.</summary>
    public Destination? Find(AccountKey account, string domain)
    {
        if (_destinations.TryGetValue((account, domain), out var found))
            return found;
        if (_destinations.Count >= most && !HasTrimmed())
            return null;
        return _destinations.GetOrAdd((account, domain), key => new(() => LimitsOf(key.Account, key.Domain), clock));
    }

    /// <summary>An account's provider asks for less to a domain. Nothing comes of it when there are as many as there may be.</summary>
    /// <param name="measured">Messages a minute by the account until now.</param>
    public void Slow(SmtpAccount account, SlowedDestination slowed, double measured)
    {
        lock (_slowing)
        {
            var isNew = Known(account.Key, slowed.Domain) is not { IsSlowed: true };
            if (isNew && (_slowed?.GetValueOrDefault(account.Key) >= MostSlowed || Slowed >= most / 2))
                return;
            if (Find(account.Key, slowed.Domain) is not { } destination)
                return;
            destination.Slow(slowed, measured, account.Version);
            if (isNew)
                Publish(_slowed is null ? [account.Key] : [.. Each(_slowed), account.Key]);
        }
    }

    /// <summary>Forgets what an account's provider asked for. False: it had not.</summary>
    public bool Reset(AccountKey account)
    {
        if (_slowed?.ContainsKey(account) is not true)
            return false;
        lock (_slowing)
        {
            foreach (var (_, destination) in Of(account))
                destination.Hurry(null);
            Publish(_destinations.Where(static one => one.Value.IsSlowed).Select(static one => one.Key.Account));
        }

        return true;
    }

    /// <summary>Accounts some of whose destinations are slowed no longer, since the last call.</summary>
    public IReadOnlyCollection<AccountKey> TakeOver()
    {
        lock (_slowing)
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
        lock (_slowing)
        {
            var slowed = new List<AccountKey>();
            foreach (var (key, destination) in _destinations)
            {
                var account = directory.Find(key.Account);
                if (destination.Hurry(account?.Version))
                    _over.Add(key.Account);
                if (destination.IsSlowed)
                    slowed.Add(key.Account);
                else if (account?.Limits.Destinations?.Of(key.Domain) is null || destination.IsIdle(Idle))
                    _destinations.TryRemove(key, out _);
            }

            Publish(slowed);
        }
    }

    private void Publish(IEnumerable<AccountKey> slowed)
    {
        var counts = slowed.CountBy(static account => account).ToFrozenDictionary();
        _slowed = counts.Count == 0 ? null : counts;
    }

    private static IEnumerable<AccountKey> Each(FrozenDictionary<AccountKey, int> counts) =>
        counts.SelectMany(static one => Enumerable.Repeat(one.Key, one.Value));

    // Looking at all of them takes a while, so not for each mail.
    private bool HasTrimmed()
    {
        var (now, last) = (clock.GetUtcNow().ToUnixTimeMilliseconds(), Volatile.Read(ref _trimmed));
        if (now - last >= 1_000 && Interlocked.CompareExchange(ref _trimmed, now, last) == last)
            Trim();
        return _destinations.Count < most;
    }

    private AccountLimits LimitsOf(AccountKey key, string domain) =>
        accounts.Directory.Find(key)?.Limits is { Destinations: { } destinations } limits && destinations.Of(domain) is { } own
            ? own with
            {
                Count = limits.Count,
                WhenReached = limits.WhenReached,
            }
            : AccountLimits.None;
}
