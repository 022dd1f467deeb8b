using System.Collections.Concurrent;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// The tickets in memory, lane by lane, and whose turn it is. Pure: no clock, no I/O; times come as arguments.
/// A ticket that finds no capacity, or loses it, goes to <paramref name="letGo"/>, and its lane remembers that the disk has more.
/// Every operation is O(log n) in the lanes or better, but for tenants that are passed over: those are looked at each time.
/// </summary>
/// <param name="window">Tickets in all; each tenant has its share of it, and each of its lanes an equal part of that.</param>
/// <param name="inFlight">Mails on their way in all; each tenant has its share of it, and a lane a quarter of the whole at most.</param>
internal sealed class ActiveQueue(int window, int inFlight, int page, Action<QueuedMail> letGo, TenantShare? share = null)
{
    /// <summary>A lane that waits longer than this (milliseconds) keeps no tickets.</summary>
    public const long LongPark = 1000;

    private const int FirstPage = 32;

    private readonly ConcurrentDictionary<LaneKey, MailLane> _lanes = [];
    private readonly ConcurrentDictionary<string, TenantLanes> _tenants = new(StringComparer.Ordinal);
    private readonly HashSet<MailLane> _atLimit = [];
    private readonly LinkedList<TenantLanes> _refill = []; // tenants with lanes that should ask the disk
    private readonly LaneHeap _looks = new(0); // by the time of the next look
    private readonly LaneTurns _turns = new(inFlight, share ?? TenantShare.Unlimited);
    private readonly TicketWindow _window = new(window, share ?? TenantShare.Unlimited, letGo);
    private readonly HashSet<(long, int, int)> _flying = [];
    private readonly HashSet<QueuedMail> _aside = []; // wait for what they carry
    private long _now;

    /// <summary>Tickets in memory.</summary>
    public int Count => _window.Count;

    /// <summary>Mails on their way.</summary>
    public int InFlight => _turns.InFlight;

    /// <summary>
    /// How often a tenant came to its share of what is on its way while it had mail that could go. Safe to read from other threads.
    /// </summary>
    public long HeldBack => _turns.HeldBack;

    /// <summary>When <see cref="Advance"/> has something to do; <see cref="long.MaxValue"/>: nothing is known.</summary>
    public long NextLook => _looks.FirstKey;

    /// <summary>Every lane there is; safe to read from other threads.</summary>
    public IEnumerable<MailLane> Lanes => _lanes.Values;

    /// <summary>Lanes that wait for a limit.</summary>
    public IReadOnlyCollection<MailLane> AtLimit => _atLimit;

    /// <summary>Safe to call from other threads.</summary>
    public MailLane? Find(LaneKey key) => _lanes.GetValueOrDefault(key);

    /// <summary>What a tenant has on its way, and the most that it may. Safe to call from other threads.</summary>
    public (long Held, long Allowed) InFlightOf(string tenant) => _turns.Of(_tenants.GetValueOrDefault(tenant));

    /// <summary>What a tenant has in memory, and the most that it may. Safe to call from other threads.</summary>
    public (long Held, long Allowed) TicketsOf(string tenant) => _window.Of(_tenants.GetValueOrDefault(tenant));

    /// <summary>Whether only its tenant's share keeps the lane from more. Safe to call from other threads.</summary>
    public bool IsAtShare(MailLane lane) => _turns.IsAtShare(lane.Tenant);

    /// <summary>Whether the lane has as many on their way as a lane may. Safe to call from other threads.</summary>
    public bool IsBusy(MailLane lane) => _turns.IsBusy(lane);

    /// <summary>The lane of this key, made when it is new (<paramref name="made"/>).</summary>
    public MailLane Lane(LaneKey key, out bool made, string tenant = "")
    {
        made = !_lanes.TryGetValue(key, out var lane);
        if (!made)
            return lane!;
        var owner = TenantOf(tenant);
        owner.Lanes++;
        return _lanes[key] = new(key, owner) { Page = FirstPage };
    }

    /// <summary>Whose the lane is; it goes from one tenant to another when its account was not known before.</summary>
    public void Belongs(MailLane lane, string tenant)
    {
        if (lane.Tenant.Tenant == tenant)
            return;
        var to = TenantOf(tenant);
        LaneTurns.Leave(lane.Tenant.Refill, lane.Refill);
        _turns.Move(lane, to);
        _window.Move(lane, to);
        var from = lane.Tenant;
        lane.Tenant = to;
        to.Lanes++;
        LeftBy(from);
        Settle(lane);
    }

    /// <summary>Forgets a lane whose account is gone. False: it has something still.</summary>
    public bool Forget(MailLane lane)
    {
        if (lane.Count > 0 || lane.InFlight > 0 || lane.Aside > 0 || lane.More || lane.NextDue < long.MaxValue)
            return false;
        lane.Unknown = true;
        Settle(lane);
        LaneTurns.Leave(lane.Tenant.Refill, lane.Refill);
        _atLimit.Remove(lane);
        LeftBy(lane.Tenant);
        return _lanes.TryRemove(lane.Key, out _);
    }

    /// <summary>A ticket fresh from the store. While the disk has more, only what goes before a ticket in memory may pass it.</summary>
    public void Offer(MailLane lane, in QueuedMail ticket)
    {
        if (lane.LetsGo || (lane.More && !lane.Outranks(ticket)))
            _window.TurnAway(lane, ticket);
        else
            Insert(lane, ticket);
        Settle(lane);
    }

    /// <summary>A ticket that was on its way waits for what it carries: others may go meanwhile.</summary>
    public void SetAside(MailLane lane, in QueuedMail ticket)
    {
        if (Land(lane, ticket) && _aside.Add(ticket))
            lane.Aside++;
        Settle(lane);
    }

    /// <summary>A ticket that was on its way, or set aside, comes back to its old place, which is before all that came after it.</summary>
    public void Return(MailLane lane, in QueuedMail ticket)
    {
        if (!ComesBack(lane, ticket))
            Land(lane, ticket);
        if (lane.LetsGo)
            _window.TurnAway(lane, ticket);
        else
            Insert(lane, ticket);
        Settle(lane);
    }

    /// <summary>The server has answered: the lane may have another on its way.</summary>
    public void Answered(MailLane lane, in QueuedMail ticket)
    {
        if (Land(lane, ticket))
            Settle(lane);
    }

    /// <summary>The attempt is over. False: it was none of ours.</summary>
    public bool Done(MailLane lane, in QueuedMail ticket)
    {
        var ours = Land(lane, ticket) || ComesBack(lane, ticket);
        Settle(lane);
        return ours;
    }

    /// <summary>
    /// Whose turn it is, or null when nobody may go. A lane with an immediate mail goes first, but at most every second time.
    /// </summary>
    public MailLane? Next() => _turns.Next(_now);

    /// <summary>Takes the first ticket of the lane that <see cref="Next"/> named.</summary>
    public QueuedMail Take(MailLane lane)
    {
        _turns.Took(lane, _now);
        var ticket = _window.Take(lane);
        _flying.Add(Name(ticket));
        Settle(lane);
        return ticket;
    }

    /// <summary>Gives every ticket back that is not on its way.</summary>
    public void Clear()
    {
        foreach (var lane in _lanes.Values)
            Empty(lane);
        foreach (var ticket in _aside)
            letGo(ticket);
        _aside.Clear();
    }

    // ── The disk ──

    /// <summary>The disk has mail of this lane that is due then.</summary>
    public void DiskHas(MailLane lane, long due, long now)
    {
        if (due <= now)
            lane.More = lane.Glance = true;
        else
            lane.NextDue = Math.Min(lane.NextDue, due);
        Settle(lane);
    }

    /// <summary>Whether a lane should ask the disk now.</summary>
    public bool NeedsRefill => FirstToRefill() is not null;

    /// <summary>
    /// The next lane that should ask the disk, and for what; what it knew of the disk is forgotten before the question. Tenants take turns.
    /// </summary>
    public MailLane? NextToRefill(out int count, out Priority lowest)
    {
        (count, lowest) = (0, Priority.Low);
        if (FirstToRefill() is not { } lane)
            return null;
        lane.Tenant.Refill.Remove(lane.Refill);
        LaneTurns.Leave(_refill, lane.Tenant.RefillTurn);
        lane.Glance = false;
        if (lane.More && _window.Below(lane))
        {
            count = Math.Min(Math.Min(lane.Page, page), Capacity(lane));
            lane.More = false;
            lane.NextDue = long.MaxValue;
            lane.Page = Math.Min(lane.Page * 2, page);
        }
        else
        {
            // Enough is here; only what is more urgent than the last of it is worth a look.
            count = Math.Min(FirstPage, _window.Share(lane));
            lowest = lane.LastPriority - 1;
        }

        Settle(lane);
        return lane;
    }

    /// <summary>What the disk answered to the question that <see cref="NextToRefill"/> gave.</summary>
    public void Fill(MailLane lane, IReadOnlyList<QueuedMail> tickets, bool more, long nextDue, int asked, Priority lowest)
    {
        lane.NextDue = Math.Min(lane.NextDue, nextDue);
        lane.More |= more && tickets.Count > 0; // what is left is on its way already, and its end wakes the lane
        lane.Glance |= lowest < Priority.Low && tickets.Count >= asked;
        for (var i = 0; i < tickets.Count; i++)
            Insert(lane, tickets[i]);
        Settle(lane);
    }

    // ── Waiting ──

    /// <summary>Ends the waits that are over and notices what came due.</summary>
    public void Advance(long now)
    {
        _now = now;
        foreach (var lane in _window.Trim())
            Settle(lane);
        while (_looks.FirstKey <= now && _looks.First is { } lane)
        {
            if (lane.AtLimit?.Until <= now)
                lane.AtLimit = null;
            if (lane.BackingOff?.Until <= now)
                lane.BackingOff = null;
            if (!lane.Waits && lane.NextDue <= now)
            {
                lane.NextDue = long.MaxValue;
                lane.More = lane.Glance = true;
            }

            Waited(lane, now);
        }
    }

    /// <summary>To be called after a reason to wait was set or cleared.</summary>
    public void Waited(MailLane lane, long now)
    {
        var until = Math.Max(lane.AtLimit?.Until ?? 0, lane.BackingOff?.Until ?? 0);
        lane.LetsGo = lane.Paused || lane.Unknown || (lane.Waits && until - now > LongPark);
        if (lane.Waits || lane.WaitedLast == long.MaxValue)
            lane.WaitedLast = lane.Waits ? long.MaxValue : now;
        if (lane.AtLimit is null)
            _atLimit.Remove(lane);
        else
            _atLimit.Add(lane);
        if (lane.LetsGo)
            Empty(lane);
        else
            Settle(lane);
    }

    // ── The rest is bookkeeping ──

    private static (long, int, int) Name(in QueuedMail ticket) => (ticket.Id, ticket.Revision, ticket.Attempt);

    private TenantLanes TenantOf(string tenant)
    {
        if (_tenants.TryGetValue(tenant, out var known))
            return known;
        _window.Add(known = new(tenant));
        return _tenants[tenant] = known;
    }

    private void LeftBy(TenantLanes tenant)
    {
        if (--tenant.Lanes > 0)
            return;
        LaneTurns.Leave(_refill, tenant.RefillTurn);
        _window.Remove(tenant);
        _tenants.TryRemove(tenant.Tenant, out _);
    }

    private int Capacity(MailLane lane) => _window.Capacity(lane);

    private bool IsToRefill(MailLane lane) =>
        !lane.Waits && ((lane.More && _window.Below(lane)) || (lane.Glance && lane.Count > 0 && lane.LastPriority > Priority.Immediate));

    private MailLane? FirstToRefill()
    {
        for (var node = _refill.First; node is not null; )
        {
            var tenant = node.Value;
            var next = node.Next;
            while (tenant.Refill.First is { } head && !IsToRefill(head.Value))
                tenant.Refill.Remove(head);
            if (tenant.Refill.First?.Value is not { } lane)
                _refill.Remove(node);
            // With more lanes than tickets there may be no capacity; then the tenant's next pick makes some.
            else if (!(lane.More && _window.Below(lane)) || Capacity(lane) > 0)
                return lane;
            node = next;
        }

        return null;
    }

    private bool Land(MailLane lane, in QueuedMail ticket)
    {
        if (!_flying.Remove(Name(ticket)))
            return false;
        _turns.Landed(lane);
        return true;
    }

    private bool ComesBack(MailLane lane, in QueuedMail ticket)
    {
        if (!_aside.Remove(ticket))
            return false;
        lane.Aside--;
        return true;
    }

    private void Insert(MailLane lane, in QueuedMail ticket)
    {
        if (_window.Insert(lane, ticket) is { } loser)
            Settle(loser);
    }

    private void Empty(MailLane lane)
    {
        if (lane.Count > 0)
            lane.Page = FirstPage;
        _window.Empty(lane);
        Settle(lane);
    }

    // Puts the lane where it belongs after any change of it.
    private void Settle(MailLane lane)
    {
        _turns.Settle(lane);
        if (IsToRefill(lane))
        {
            LaneTurns.Keep(lane.Tenant.Refill, lane.Refill, true);
            LaneTurns.Keep(_refill, lane.Tenant.RefillTurn, true);
        }
        else if (lane.Tenant.Refill.Count > 0)
        {
            LaneTurns.Keep(_refill, lane.Tenant.RefillTurn, true);
        }

        var look =
            lane.Paused || lane.Unknown ? long.MaxValue
            : lane.Waits ? Math.Min(lane.AtLimit?.Until ?? long.MaxValue, lane.BackingOff?.Until ?? long.MaxValue)
            : lane.NextDue;
        if (look == long.MaxValue)
            _looks.Remove(lane);
        else
            _looks.Set(lane, look);
    }
}
