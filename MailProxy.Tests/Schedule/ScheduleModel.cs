using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;

namespace MailProxy.Tests.Schedule;

/// <summary>
/// What may go and what holds mail back, the slow and plain way: from the accounts, from what was told of them, and from a list of every
/// permit that was spent.
/// </summary>
internal sealed class ScheduleModel
{
    private const long Window = 60_000;

    // A count stays up to a slot longer than its window, and a wait ends a millisecond late.
    private const long Slack = (Window / 120) + 2;

    private readonly Dictionary<AccountKey, List<(long At, int Count)>> _spent = [];

    public required SmtpAccount[] Accounts { get; set; }
    public required Pool[] Pools { get; init; }
    public bool Suspended { get; set; }

    /// <summary>Until when an account's circuit is open; after that, until it is closed, it is half-open.</summary>
    public Dictionary<AccountKey, long> Circuits { get; } = [];

    /// <summary>The mail that tries an account whose circuit is half-open.</summary>
    public Dictionary<AccountKey, long> Probes { get; } = [];

    /// <summary>Mails under way by an account, and the permits that they hold.</summary>
    public Dictionary<AccountKey, int> UnderWay { get; } = [];

    public void Took(DueMail due, long now)
    {
        UnderWay[due.Account] = UnderWay.GetValueOrDefault(due.Account) + 1;
        if (IsHalfOpen(due.Account, now))
            Probes[due.Account] = due.Ticket.Id;
    }

    public void Ended(DueMail due, long now, bool spent)
    {
        var account = due.Account;
        UnderWay[account]--;
        if (Probes.GetValueOrDefault(account) == due.Ticket.Id)
            Probes.Remove(account);
        if (spent)
            SpentBy(account).Add((now, 1));
    }

    public SmtpAccount Find(AccountKey key) => Accounts.Single(account => account.Key == key);

    /// <summary>Why one account takes no mail now; empty: it does.</summary>
    public HashSet<LaneState> Holding(AccountKey key, long now, int asked = 1)
    {
        var account = Find(key);
        var holding = new HashSet<LaneState>();
        if (account.Paused)
            holding.Add(LaneState.Paused);
        if (Circuits.GetValueOrDefault(key) > now)
            holding.Add(LaneState.BackingOff);
        if (IsProbed(key, now))
            holding.Add(LaneState.Probed);
        if (account.Limits.PerMinute is { } limit && Counted(key, now, Window + Slack) + asked > limit)
            holding.Add(LaneState.AtLimit);
        if (UnderWay.GetValueOrDefault(key) >= account.MaxConnections * 2)
            holding.Add(LaneState.Busy);
        return holding;
    }

    /// <summary>Why a ticket does not go; empty: it could.</summary>
    public HashSet<LaneState> Holding(QueuedMail ticket, long now)
    {
        var held = OfLane(ticket, now);
        if (Suspended)
            held.Add(LaneState.Suspended);
        return held;
    }

    private HashSet<LaneState> OfLane(QueuedMail ticket, long now)
    {
        if (Lanes.PoolOf(ticket.Lane) is not { } key)
            return Holding(Lanes.AccountOf(ticket.Lane), now);
        var pool = Pools.Single(one => one.Key == key);
        var members = pool.Accounts.Select(member => Accounts.Single(account => account.Id == member.Account)).ToArray();
        foreach (var account in members)
        {
            var holding = Holding(account.Key, now);
            if (holding.Count == 0)
                return [];
            // A failover pool waits for one that is only busy.
            if (pool.Strategy == PoolStrategy.Failover && holding.SetEquals([LaneState.Busy]))
                break;
        }

        return [LaneState.PoolWaits, LaneState.Busy];
    }

    /// <summary>Whether an account may have been given one more mail: nothing but the slack speaks for it.</summary>
    public string? Fault(DueMail due, long now)
    {
        var (ticket, by) = (due.Ticket, due.Account);
        if (due.IsProbe != IsHalfOpen(by, now))
            return due.IsProbe ? "it is called a probe, and the circuit is not half-open" : "nobody is told that it is a probe";
        var account = Find(by);
        if (Suspended)
            return "the dispatcher is suspended";
        if (account.Paused)
            return "the account is paused";
        if (Circuits.GetValueOrDefault(by) > now)
            return "the account's circuit is open";
        if (IsProbed(by, now))
            return "another mail tries the account";
        if (account.Limits.PerMinute is { } limit && Counted(by, now, Window) + 1 > limit)
            return "the account is at its limit";
        if (Lanes.PoolOf(ticket.Lane) is not { } key)
            return by == Lanes.AccountOf(ticket.Lane) ? null : "another account's mail";
        var pool = Pools.Single(one => one.Key == key);
        if (!pool.Accounts.Any(member => member.Account == account.Id))
            return "the account is not in the pool";
        return null;
    }

    private bool IsHalfOpen(AccountKey account, long now) => Circuits.TryGetValue(account, out var until) && until <= now;

    private bool IsProbed(AccountKey account, long now) => IsHalfOpen(account, now) && Probes.ContainsKey(account);

    private long Counted(AccountKey account, long now, long window) =>
        UnderWay.GetValueOrDefault(account) + SpentBy(account).Where(one => one.At > now - window).Sum(static one => one.Count);

    private List<(long At, int Count)> SpentBy(AccountKey account)
    {
        if (!_spent.TryGetValue(account, out var spent))
            _spent[account] = spent = [];
        if (spent.Count > 200)
            spent.RemoveRange(0, 100);
        return spent;
    }
}
