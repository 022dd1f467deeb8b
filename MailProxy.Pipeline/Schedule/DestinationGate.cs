using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// The limits of accounts for mail to one domain each. Who goes where is only known of mail that was loaded, so what may not go now is put
/// off: each behind the other, to the time at which its turn is expected, so that a hundred thousand for one domain are put off once and
/// hold up nobody. It never waits. Safe to call from any thread.
/// </summary>
/// <param name="most">As of <see cref="DestinationTable"/>.</param>
internal sealed class DestinationGate(CurrentAccounts accounts, TimeProvider clock, TenantShare? share = null, int most = 50_000)
{
    /// <summary>How long (milliseconds) mail to one more destination waits when there are as many as there may be.</summary>
    private const long Crowded = 10_000;

    private const int Shown = 100;

    private readonly DestinationTable _table = new(accounts, clock, most, share ?? TenantShare.Unlimited);

    /// <summary>How many destinations have counts.</summary>
    public int Count => _table.Count;

    /// <summary>How many are slowed.</summary>
    public int Slowed => _table.Slowed;

    /// <summary>A tenant's part of the destinations that there may be.</summary>
    public void ShowIn(TenantShares shares) => _table.ShowIn(shares);

    /// <summary>What is asked of mail before it goes.</summary>
    public DestinationQuestions Questions => new(_table.Concerns, Ask);

    /// <summary>Takes over what was counted before a restart.</summary>
    public void Seed(IEnumerable<DestinationUse> uses)
    {
        foreach (var counted in uses.GroupBy(static use => (use.Account, use.Domain)))
            _table.Find(counted.Key.Account, counted.Key.Domain)?.Seed(counted);
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
        if (!_table.Concerns(account))
            return new DestinationAnswer.May(due.Permit, slice);
        var leases = new List<DestinationLease>();
        var going = new List<SliceRecipient>();
        Closing? first = null;
        foreach (var group in slice.Slice.GroupBy(static to => DestinationLimits.DomainOf(to.Address)))
        {
            if (_table.IsFree(account, group.Key, out var destination))
            {
                going.AddRange(group);
                continue;
            }

            var recipients = group.ToArray();
            var asked = account.Limits.Count == LimitCount.Messages ? 1 : recipients.Length;
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
        return account.Limits.WhenReached == LimitReached.Fail && first!.Value.IsLimit
            ? new DestinationAnswer.Never($"A limit is reached and mail does not wait for it. {first!.Value.Why}")
            : PutOff(first!.Value, waited, now);
    }

    /// <summary>When mail to the domains may go by an account, the first of them, and why not now; null: it may.</summary>
    public DestinationHold? HoldOf(SmtpAccount account, IEnumerable<string> domains)
    {
        if (!_table.Concerns(account))
            return null;
        var (now, first) = (Now(), (DestinationHold?)null);
        foreach (var domain in domains)
        {
            if (_table.Known(account.Key, domain)?.Usage(domain, now) is not { OpensAt: { } opens } usage)
                return null;
            if (first is null || opens < first.Until)
                first = new(domain, opens, usage.Why);
        }

        return first;
    }

    /// <summary>Domains of an account whose limits are used or that are slowed, those that hold mail up first.</summary>
    public IReadOnlyList<DestinationUsage> Usage(SmtpAccount account)
    {
        if (!_table.Concerns(account))
            return [];
        var now = Now();
        return
        [
            .. _table
                .Of(account.Key)
                .Select(one => one.Destination.Usage(one.Domain, now))
                .Where(static usage => usage.Adapted is not null || usage.Limits.Any(static limit => limit.Used > 0))
                .OrderByDescending(static usage => usage.OpensAt ?? 0)
                .ThenByDescending(static usage =>
                    usage.Limits.Select(static limit => (double)limit.Used / limit.Limit).DefaultIfEmpty().Max()
                )
                .Take(Shown),
        ];
    }

    /// <summary>An account's provider asks for less to a domain.</summary>
    /// <param name="measured">Messages a minute by the account until now.</param>
    public void Slow(SmtpAccount account, SlowedDestination slowed, double measured) => _table.Slow(account, slowed, measured);

    /// <summary>Forgets what an account's provider asked for. False: it had not.</summary>
    public bool Reset(AccountKey account) => _table.Reset(account);

    /// <summary>Nothing is promised any more: the account's limits are others now.</summary>
    public void Changed(AccountKey account)
    {
        foreach (var (_, destination) in _table.Of(account))
            destination.Forget();
    }

    /// <summary>The account stands better than was thought: what was put off may be looked at again.</summary>
    public void Open(AccountKey account) => Opened?.Invoke(account);

    /// <summary>Drops the counts of accounts that are gone, and those that have been idle.</summary>
    public void Trim()
    {
        _table.Trim();
        foreach (var account in _table.TakeOver())
            Open(account);
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

        // What was free may be taken by others meanwhile: it goes back so often, and then it waits.
        var times = ticket.Passed is { } before && before.Holds(now) ? before.Times + 1 : 1;
        if (!putOff && open > 0 && times <= members)
            return new DestinationAnswer.Elsewhere(new(asked!.Value.Account, closed, times));
        return first is { } turn ? PutOff(turn, waited, now) : new DestinationAnswer.Later(now + 1, "");
    }

    // Null: some of the slice may go by the account.
    private Closing? Closed(SmtpAccount account, MailContent slice, bool waited, long now)
    {
        if (!_table.Concerns(account))
            return null;
        Closing? first = null;
        foreach (var group in slice.Slice.GroupBy(static to => DestinationLimits.DomainOf(to.Address)))
        {
            var asked = account.Limits.Count == LimitCount.Messages ? 1 : group.Count();
            if (_table.IsFree(account, group.Key, out var destination) || destination?.HasRoom(asked, waited, now) is true)
                return null;
            first = Closing.Earlier(first, destination is null ? Full(now) : Closed(destination, group.Key, asked, waited, now, default));
        }

        return first;
    }

    private static Closing Closed(Destination destination, string domain, int asked, bool waited, long now, DestinationRefusal refusal) =>
        new(destination, asked, destination.OpensAt(waited, now), $"Mail to {domain}: {refusal.Why}.", refusal.IsLimit);

    private static Closing Full(long now) =>
        new(null, 0, now + Crowded, "The tenant has as many destinations with limits at a time as it may have.", true);

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

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>A destination that has no room, and when it is a mail's turn there.</summary>
/// <param name="Destination">Null: it is none of those that have counts.</param>
/// <param name="Asked">Recipients or messages that were asked for.</param>
/// <param name="IsLimit">A limit that a person set says so.</param>
internal readonly record struct Closing(Destination? Destination, int Asked, long At, string Why, bool IsLimit)
{
    public static Closing Earlier(Closing? first, Closing other) => first is { } one && one.At <= other.At ? one : other;
}
