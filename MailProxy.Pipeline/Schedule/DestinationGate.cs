using System.Collections.Concurrent;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// The limits of accounts for mail to one domain each. Who goes where is only known of mail that was loaded, so what may not go now is put
/// off: each behind the other, to the time at which its turn is expected, so that a hundred thousand for one domain are put off once and
/// hold up nobody. It never waits. Safe to call from any thread.
/// </summary>
/// <param name="most">Destinations that have counts at a time; idle ones leave.</param>
internal sealed class DestinationGate(CurrentAccounts accounts, TimeProvider clock, int most = 50_000)
{
    /// <summary>How long (milliseconds) mail to one more destination waits when there are as many as there may be.</summary>
    private const long Crowded = 10_000;

    private const int Shown = 100;

    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<(AccountKey Account, string Domain), Destination> _destinations = [];
    private long _trimmed;

    /// <summary>How many destinations have counts.</summary>
    public int Count => _destinations.Count;

    /// <summary>Takes over what was counted before a restart.</summary>
    public void Seed(IEnumerable<DestinationUse> uses)
    {
        foreach (var counted in uses.GroupBy(static use => (use.Account, use.Domain)))
            Find(counted.Key.Account, counted.Key.Domain)?.Seed(counted);
    }

    /// <summary>Somebody asked for what waits for an account to be looked at again: see <see cref="Open"/>.</summary>
    public event Action<AccountKey>? Opened;

    /// <summary>Asks for every domain of the slice. What is granted is held until the permit is spent or given back.</summary>
    public DestinationAnswer Ask(DueMail due, SmtpAccount account, MailContent slice)
    {
        var now = Now();
        var waited = due.Ticket.Due > 0;
        var pool = accounts.Directory.PoolOf(due.Ticket.Lane);
        if (due.Permit is PutOffPermit off)
            return off.Until is { } turn ? new DestinationAnswer.Later(turn, "") : OfPool(due.Ticket, pool, null, slice, waited, now, true);
        if (account.Limits.Destinations is not { } limits)
            return new DestinationAnswer.May(due.Permit, slice);
        var leases = new List<AccountLease>();
        var going = new List<SliceRecipient>();
        Closing? first = null;
        foreach (var group in slice.Slice.GroupBy(static to => DestinationLimits.DomainOf(to.Address)))
        {
            if (limits.Of(group.Key) is null)
            {
                going.AddRange(group);
                continue;
            }

            var recipients = group.ToArray();
            var asked = account.Limits.Count == LimitCount.Messages ? 1 : recipients.Length;
            var destination = Find(account.Key, group.Key);
            if (destination is null)
                first = Closing.Earlier(first, Full(now));
            else if (destination.Take(asked, waited, now, out var refusal) is { } lease)
            {
                leases.Add(lease);
                going.AddRange(account.Limits.Count == LimitCount.Messages ? recipients : recipients.Take(lease.Permits));
            }
            else
                first = Closing.Earlier(first, Closed(destination, group.Key, asked, waited, now, refusal));
        }

        if (going.Count == slice.Slice.Count && leases.Count == 0)
            return new DestinationAnswer.May(due.Permit, slice);
        if (going.Count > 0)
            return new DestinationAnswer.May(new DestinationPermit(due.Permit, leases), Of(slice, going));
        if (pool is not null)
            return OfPool(due.Ticket, pool, (account.Key, first!.Value), slice, waited, now, false);
        return account.Limits.WhenReached == LimitReached.Fail
            ? new DestinationAnswer.Never($"A limit is reached and mail does not wait for it. {first!.Value.Why}")
            : PutOff(first!.Value, waited, now);
    }

    /// <summary>When mail to the domains may go by an account (Unix milliseconds), the first of them; null: now.</summary>
    public long? OpensAt(SmtpAccount account, IEnumerable<string> domains)
    {
        if (account.Limits.Destinations is null)
            return null;
        var (now, first) = (Now(), (long?)null);
        foreach (var domain in domains)
        {
            if (!_destinations.TryGetValue((account.Key, domain), out var known) || known.Usage(domain, now).OpensAt is not { } opens)
                return null;
            first = Math.Min(first ?? opens, opens);
        }

        return first;
    }

    /// <summary>Domains of an account whose limits are used, those that hold mail up first.</summary>
    public IReadOnlyList<DestinationUsage> Usage(SmtpAccount account)
    {
        if (account.Limits.Destinations is null)
            return [];
        var now = Now();
        return
        [
            .. _destinations
                .Where(one => one.Key.Account == account.Key)
                .Select(one => one.Value.Usage(one.Key.Domain, now))
                .Where(static usage => usage.Limits.Any(static limit => limit.Used > 0))
                .OrderByDescending(static usage => usage.OpensAt ?? 0)
                .ThenByDescending(static usage => usage.Limits.Max(static limit => (double)limit.Used / limit.Limit))
                .Take(Shown),
        ];
    }

    /// <summary>Nothing is promised any more: the account's limits are others now.</summary>
    public void Changed(AccountKey account)
    {
        foreach (var (_, destination) in _destinations.Where(one => one.Key.Account == account))
            destination.Forget();
    }

    /// <summary>The account stands better than was thought: what was put off may be looked at again.</summary>
    public void Open(AccountKey account) => Opened?.Invoke(account);

    /// <summary>Drops the counts of accounts that are gone, and those that have been idle.</summary>
    public void Trim()
    {
        var directory = accounts.Directory;
        foreach (var (key, destination) in _destinations)
        {
            if (directory.Find(key.Account)?.Limits.Destinations?.Of(key.Domain) is null || destination.IsIdle(Idle, Now()))
                _destinations.TryRemove(key, out _);
        }
    }

    // A pool's mail that finds no room at the account that was chosen: another may have some. Else it waits for the first of them all.
    private DestinationAnswer OfPool(
        QueuedMail ticket,
        Pool? pool,
        (AccountKey Account, Closing Closing)? asked,
        MailContent slice,
        bool waited,
        long now,
        bool putOff
    )
    {
        var closed = new List<(AccountKey, long)>();
        var first = asked?.Closing;
        var (members, open) = (0, 0);
        foreach (var (member, _) in pool is null ? [] : accounts.Directory.MembersOf(pool))
        {
            members++;
            if (ticket.NotBy is { } notBy && PoolRouter.IsIn(notBy, member.Id))
                continue;
            if ((member.Key == asked?.Account ? asked?.Closing : Closed(member, slice, waited, now)) is not { } closing)
            {
                open++;
                continue;
            }

            closed.Add((member.Key, closing.At));
            first = Closing.Earlier(first, closing);
        }

        // Others may take the room that was seen: that often it looks for some, and then it waits.
        var times = ticket.Passed is { } before && before.Holds(now) ? before.Times + 1 : 1;
        if (!putOff && open > 0 && times <= members)
            return new DestinationAnswer.Elsewhere(new(asked!.Value.Account, closed, times));
        return first is { } turn ? PutOff(turn, waited, now) : new DestinationAnswer.Later(now + 1, "");
    }

    // Null: some of the slice may go by the account.
    private Closing? Closed(SmtpAccount account, MailContent slice, bool waited, long now)
    {
        if (account.Limits.Destinations is not { } limits)
            return null;
        Closing? first = null;
        foreach (var group in slice.Slice.GroupBy(static to => DestinationLimits.DomainOf(to.Address)))
        {
            if (limits.Of(group.Key) is null)
                return null;
            var asked = account.Limits.Count == LimitCount.Messages ? 1 : group.Count();
            var destination = Find(account.Key, group.Key);
            if (destination?.HasRoom(asked, waited, now) is true)
                return null;
            first = Closing.Earlier(first, destination is null ? Full(now) : Closed(destination, group.Key, asked, waited, now, ""));
        }

        return first;
    }

    private static Closing Closed(Destination destination, string domain, int asked, bool waited, long now, string refusal) =>
        new(destination, asked, destination.OpensAt(waited, now), $"Mail to {domain}: {refusal}.");

    private static Closing Full(long now) => new(null, 0, now + Crowded, "There are too many destinations with limits at a time.");

    // The turn of the whole mail is that of the destination that opens first; there it stands in the row.
    private static DestinationAnswer.Later PutOff(Closing first, bool waited, long now)
    {
        first.Destination?.Promise(first.Asked, waited, now);
        return new(first.At, first.Why);
    }

    private static MailContent Of(MailContent slice, List<SliceRecipient> going)
    {
        var left = slice.Slice.Count - going.Count;
        return left == 0
            ? slice
            : slice with
            {
                Slice = [.. going.OrderBy(static to => to.Ordinal)],
                Standing = slice.Standing with { Rest = slice.Standing.Rest + left },
                Earlier = [],
            };
    }

    // Null: there are as many as there may be.
    private Destination? Find(AccountKey account, string domain)
    {
        if (_destinations.TryGetValue((account, domain), out var found))
            return found;
        if (_destinations.Count >= most && !HasTrimmed())
            return null;
        return _destinations.GetOrAdd((account, domain), key => new(() => LimitsOf(key.Account, key.Domain), clock));
    }

    // Looking at all of them takes a while, so not for each mail.
    private bool HasTrimmed()
    {
        var (now, last) = (Now(), Volatile.Read(ref _trimmed));
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

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>A destination that has no room, and when it is a mail's turn there.</summary>
/// <param name="Destination">Null: it is none of those that have counts.</param>
/// <param name="Asked">Recipients or messages that were asked for.</param>
internal readonly record struct Closing(Destination? Destination, int Asked, long At, string Why)
{
    public static Closing Earlier(Closing? first, Closing other) => first is { } one && one.At <= other.At ? one : other;
}
