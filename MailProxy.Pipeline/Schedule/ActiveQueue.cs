using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// The tickets in memory, lane by lane, and whose turn it is. Pure: no clock, no I/O; times come as arguments.
/// A ticket that finds no capacity, or loses it, is let go, and its lane remembers that the disk has more.
/// Every operation is O(log n) in the lanes or better, but for tenants that are passed over: those are looked at each time.
/// </summary>
internal sealed class ActiveQueue
{
    private readonly LaneRegister _lanes;
    private readonly LaneWaits _waits = new();
    private readonly LaneTurns _turns;
    private readonly Action<QueuedMail> _letGo;
    private readonly TicketsOut _out = new();
    private readonly TicketWindow _window;
    private readonly LaneRefills _refills;
    private readonly HashSet<MailLane> _freed = [];
    private long _now;

    /// <param name="window">Tickets in all; each tenant has its share of it, and each of its lanes an equal part of that.</param>
    /// <param name="inFlight">Mails under way in all; each tenant has its share of it, and a lane a quarter of the whole at most.</param>
    /// <param name="page">Tickets that one question to the disk asks for at most.</param>
    /// <param name="letGo">Told of each ticket that finds no capacity, or loses it.</param>
    public ActiveQueue(int window, int inFlight, int page, Action<QueuedMail> letGo, TenantShare? share = null)
    {
        _letGo = letGo;
        _turns = new(inFlight, share ?? TenantShare.Unlimited);
        _window = new(window, share ?? TenantShare.Unlimited, letGo);
        _refills = new(_window, page);
        _lanes = new(_window, _refills);
    }

    /// <summary>Tickets in memory.</summary>
    public int Count => _window.Count;

    /// <summary>Number of mails under way.</summary>
    public int InFlight => _turns.InFlight;

    /// <summary>
    /// How often a tenant reached its share of the mails under way while it had more to send. Safe to read from other threads.
    /// </summary>
    public long HeldBack => _turns.HeldBack;

    /// <summary>When <see cref="Advance"/> has something to do; <see cref="long.MaxValue"/>: nothing is known.</summary>
    public long NextLook => _waits.NextLook;

    /// <summary>Every lane there is; safe to read from other threads.</summary>
    public IEnumerable<MailLane> Lanes => _lanes.All;

    /// <summary>A tenant's lanes that wait for the limit of the whole tenant.</summary>
    public IReadOnlyCollection<MailLane> AtLimitOf(string tenant) => _lanes.Tenant(tenant)?.AtLimit ?? (IReadOnlyCollection<MailLane>)[];

    /// <summary>Safe to call from other threads.</summary>
    public MailLane? Find(LaneKey key) => _lanes.Find(key);

    /// <summary>A tenant's mails under way, and the most that it may have. Safe to call from other threads.</summary>
    public (long Held, long Allowed) InFlightOf(string tenant) => _turns.Of(_lanes.Tenant(tenant));

    /// <summary>A tenant's tickets in memory, and the most that it may have. Safe to call from other threads.</summary>
    public (long Held, long Allowed) TicketsOf(string tenant) => _window.Of(_lanes.Tenant(tenant));

    /// <summary>Whether only its tenant's share keeps the lane from more. Safe to call from other threads.</summary>
    public bool IsAtShare(MailLane lane) => _turns.IsAtShare(lane.Tenant);

    /// <summary>Whether the lane has as many mails under way as a lane may have. Safe to call from other threads.</summary>
    public bool IsBusy(MailLane lane) => _turns.IsBusy(lane);

    /// <summary>The lane of this key, made when it is new (<paramref name="made"/>).</summary>
    public MailLane Lane(LaneKey key, out bool made, string tenant = "") => _lanes.Lane(key, out made, tenant);

    /// <summary>Whose the lane is; it goes from one tenant to another when its account was not known before.</summary>
    public void Belongs(MailLane lane, string tenant)
    {
        if (_lanes.Move(lane, tenant, _turns))
            Settle(lane);
    }

    /// <summary>
    /// Drops a lane whose account is gone, and lets its tickets go. While mails of it are under way or set aside the lane stays, to be
    /// dropped when the last of them has come back.
    /// </summary>
    public void Drop(MailLane lane)
    {
        lane.Gone = lane.Unknown = true;
        (lane.AtLimit, lane.BackingOff, lane.HalfOpen) = (null, null, false);
        Waited(lane, _now);
        (lane.More, lane.Glance, lane.NextDue) = (false, false, long.MaxValue);
        if (lane is { InFlight: 0, Lent: 0, Aside: 0 })
            _lanes.Remove(lane);
    }

    /// <summary>A ticket fresh from the store. While the disk has more, only what goes before a ticket in memory may pass it.</summary>
    public void Offer(MailLane lane, in QueuedMail ticket)
    {
        if (lane.LetsGo || (lane.More && !lane.Precedes(ticket)))
            _window.TurnAway(lane, ticket);
        else
            Insert(lane, ticket);
        Settle(lane);
    }

    /// <summary>Sets aside a ticket that was under way and whose attachments are not here yet; others may go meanwhile.</summary>
    public void SetAside(MailLane lane, in QueuedMail ticket)
    {
        if (Land(lane, ticket) && _out.SetsAside(ticket))
            lane.Aside++;
        Settle(lane);
    }

    /// <summary>A ticket that was under way, or set aside, comes back to its old position, before all that arrived after it.</summary>
    public void Return(MailLane lane, in QueuedMail ticket)
    {
        _ = ComesBack(lane, ticket) || Land(lane, ticket);
        if (lane.LetsGo)
            _window.TurnAway(lane, ticket);
        else
            Insert(lane, ticket);
        Settle(lane);
    }

    /// <summary>The server has answered: the lane may have another under way.</summary>
    public void Answered(MailLane lane, in QueuedMail ticket)
    {
        Land(lane, ticket);
        Settle(lane);
    }

    /// <summary>Ends an attempt. False when the ticket was not known here.</summary>
    public bool Done(MailLane lane, in QueuedMail ticket)
    {
        var ours = Land(lane, ticket) || ComesBack(lane, ticket);
        Settle(lane);
        return ours;
    }

    /// <summary>The lane whose turn it is, or null. One with an immediate mail goes first, but at most every second time.</summary>
    public MailLane? Next() => _turns.Next(_now);

    /// <summary>Takes the first ticket of the lane that <see cref="Next"/> named.</summary>
    /// <param name="lender">The lane of the account that a pool's mail goes by.</param>
    public QueuedMail Take(MailLane lane, MailLane? lender = null)
    {
        _turns.Took(lane, _now);
        var ticket = _window.Take(lane);
        _out.Leaves(ticket, lane, lender);
        Settle(lane);
        Lend(lender, 1);
        return ticket;
    }

    /// <summary>What stands by comes back to its old position.</summary>
    public void EndStandBy(MailLane lane)
    {
        foreach (var ticket in lane.StandBy.Take())
            Return(lane, ticket);
    }

    /// <summary>Takes the lanes of accounts in pools that have fewer mails under way since the last call.</summary>
    public MailLane[] TakeFreed()
    {
        MailLane[] freed = [.. _freed];
        _freed.Clear();
        return freed;
    }

    /// <summary>Releases every ticket that is not under way.</summary>
    public void Clear()
    {
        foreach (var lane in _lanes.All)
            Empty(lane);
        foreach (var ticket in _out.TakeAside())
            _letGo(ticket);
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
    public bool NeedsRefill => _refills.First() is not null;

    /// <summary>
    /// The next lane that should ask the disk, and for what; what it knew of the disk is forgotten before the question. Tenants take turns.
    /// </summary>
    public MailLane? NextToRefill(long now, out ClaimRequest request)
    {
        request = default;
        if (_refills.First() is not { } lane)
            return null;
        request = _refills.Ask(lane, now);
        Settle(lane);
        return lane;
    }

    /// <summary>What the disk answered to the question that <see cref="NextToRefill"/> gave.</summary>
    public void Fill(MailLane lane, ClaimedPage page, ClaimRequest request)
    {
        lane.Learn(page, request);
        for (var i = 0; i < page.Tickets.Count; i++)
            Insert(lane, page.Tickets[i]);
        foreach (var (priority, flow) in page.Left)
            lane.HasMore(priority, flow);
        Settle(lane);
    }

    // ── Waiting ──

    /// <summary>Ends the waits that are over and notices what came due.</summary>
    public void Advance(long now)
    {
        _now = now;
        foreach (var lane in _window.Trim())
            Settle(lane);
        while (_waits.EndFirst(now) is { } lane)
        {
            EndStandBy(lane);
            Waited(lane, now);
        }
    }

    /// <summary>To be called after a reason to wait was set or cleared.</summary>
    public void Waited(MailLane lane, long now)
    {
        _waits.Note(lane, now);
        if (lane.LetsGo)
            Empty(lane);
        else
            Settle(lane);
    }

    // ── Bookkeeping ──

    private bool Land(MailLane lane, in QueuedMail ticket)
    {
        if (!_out.Lands(ticket, lane, out var lender))
            return false;
        _turns.Landed(lane);
        Lend(lender, -1);
        if ((lender ?? lane) is { IsInPool: true } account)
            _freed.Add(account);
        return true;
    }

    private void Lend(MailLane? lender, int change)
    {
        if (lender is null)
            return;
        lender.Lent += change;
        if (lender is { Gone: true, InFlight: 0, Lent: 0 })
            Drop(lender);
        else
            Settle(lender);
    }

    private bool ComesBack(MailLane lane, in QueuedMail ticket)
    {
        if (!_out.ComesBack(ticket))
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
        EndStandBy(lane);
        if (lane.Count > 0)
            lane.Page = LaneRefills.FirstPage;
        lane.StandBack();
        _window.Empty(lane);
        Settle(lane);
    }

    // Puts the lane where it belongs after any change of it.
    private void Settle(MailLane lane)
    {
        _turns.Settle(lane);
        _refills.Settle(lane);
        _waits.Settle(lane);
    }
}
