using System.Collections.Concurrent;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Schedule;

/// <summary>The tickets in memory, a lane for each account, and whose turn it is. Pure: no clock, no I/O; times come as arguments. Every operation is O(log n) or better. A ticket that finds no room, or loses it, goes to <paramref name="letGo"/>, and its lane remembers that the disk has more.</summary>
/// <param name="window">Tickets in all; each lane has an equal share of it.</param>
/// <param name="inFlight">Mails on their way in all; a lane may have a quarter.</param>
internal sealed class ActiveQueue(int window, int inFlight, int page, Action<QueuedMail> letGo)
{
    /// <summary>A lane that waits longer than this (milliseconds) keeps no tickets.</summary>
    public const long LongPark = 1000;

    private const int FirstPage = 32;

    private readonly ConcurrentDictionary<AccountKey, AccountLane> _lanes = [];
    private readonly LinkedList<AccountLane> _ready = [];
    private readonly LinkedList<AccountLane> _urgent = [];
    private readonly LinkedList<AccountLane> _hungry = [];
    private readonly LaneHeap _looks = new(0); // by the time of the next look
    private readonly LaneHeap _sizes = new(1); // by tickets, most first; only lanes that have some
    private readonly HashSet<(long, int, int)> _flying = [];
    private readonly HashSet<QueuedMail> _aside = []; // wait for what they carry
    private bool _urgentLast;

    /// <summary>Tickets in memory.</summary>
    public int Count { get; private set; }

    public int InFlight => _flying.Count;

    /// <summary>When <see cref="Advance"/> has something to do; <see cref="long.MaxValue"/>: nothing is known.</summary>
    public long NextLook => _looks.FirstKey;

    /// <summary>Every lane ever seen; safe to read from other threads.</summary>
    public IEnumerable<AccountLane> Lanes => _lanes.Values;

    /// <summary>Safe to call from other threads.</summary>
    public AccountLane? Find(AccountKey account) => _lanes.GetValueOrDefault(account);

    /// <summary>The account's lane, made when it is new (<paramref name="made"/>).</summary>
    public AccountLane Lane(AccountKey account, out bool made)
    {
        made = !_lanes.TryGetValue(account, out var lane);
        if (made) _lanes[account] = lane = new(account) { Page = FirstPage };
        return lane!;
    }

    /// <summary>A ticket fresh from the store. While the disk has more, only what goes before a ticket in memory may pass it.</summary>
    public void Offer(AccountLane lane, in QueuedMail ticket)
    {
        if (lane.LetsGo || (lane.More && !lane.Outranks(ticket))) TurnAway(lane, ticket);
        else Insert(lane, ticket);
        Settle(lane);
    }

    /// <summary>A ticket that was on its way waits for what it carries: others may go meanwhile.</summary>
    public void SetAside(AccountLane lane, in QueuedMail ticket)
    {
        if (Land(lane, ticket)) _aside.Add(ticket);
        Settle(lane);
    }

    /// <summary>A ticket that was on its way, or set aside, comes back to its old place, which is before all that came after it.</summary>
    public void Return(AccountLane lane, in QueuedMail ticket)
    {
        if (!_aside.Remove(ticket)) Land(lane, ticket);
        if (lane.LetsGo) TurnAway(lane, ticket);
        else Insert(lane, ticket);
        Settle(lane);
    }

    /// <summary>The attempt is over. False: it was none of ours.</summary>
    public bool Done(AccountLane lane, in QueuedMail ticket)
    {
        var ours = Land(lane, ticket) || _aside.Remove(ticket);
        Settle(lane);
        return ours;
    }

    /// <summary>Whose turn it is, or null when nobody may go. A lane with an immediate mail goes first, but at most every second time.</summary>
    public AccountLane? Next()
    {
        if (_flying.Count >= inFlight) return null;
        return (_urgentLast ? null : _urgent.First)?.Value ?? _ready.First?.Value;
    }

    /// <summary>Takes the first ticket of the lane that <see cref="Next"/> named.</summary>
    public QueuedMail Take(AccountLane lane)
    {
        _urgentLast = !_urgentLast && _urgent.First?.Value == lane;
        var ticket = lane.TakeFirst();
        Count--;
        lane.InFlight++;
        _flying.Add(Name(ticket));
        Leave(_ready, lane.Ready); // to the end of the round
        Leave(_urgent, lane.Urgent);
        Settle(lane);
        return ticket;
    }

    /// <summary>Gives every ticket back that is not on its way.</summary>
    public void Clear()
    {
        foreach (var lane in _lanes.Values) Empty(lane);
        foreach (var ticket in _aside) letGo(ticket);
        _aside.Clear();
    }

    // ── The disk ──

    /// <summary>The disk has mail of this account that is due then.</summary>
    public void DiskHas(AccountLane lane, long due, long now)
    {
        if (due <= now) lane.More = lane.Glance = true;
        else lane.NextDue = Math.Min(lane.NextDue, due);
        Settle(lane);
    }

    /// <summary>Whether a lane should ask the disk now.</summary>
    public bool Hungers => FirstHungry() is not null;

    /// <summary>The next lane that should ask the disk, and for what; what it knew of the disk is forgotten before the question.</summary>
    public AccountLane? NextHungry(out int count, out Priority lowest)
    {
        (count, lowest) = (0, Priority.Low);
        if (FirstHungry() is not { } lane) return null;
        _hungry.Remove(lane.Hungry);
        lane.Glance = false;
        if (lane.More && Below(lane))
        {
            count = Math.Min(Math.Min(lane.Page, page), Room(lane));
            lane.More = false;
            lane.NextDue = long.MaxValue;
            lane.Page = Math.Min(lane.Page * 2, page);
        }
        else
        {
            // Enough is here; only what is more urgent than the last of it is worth a look.
            count = Math.Min(FirstPage, Share(lane));
            lowest = lane.LastPriority - 1;
        }

        Settle(lane);
        return lane;
    }

    /// <summary>What the disk answered to the question that <see cref="NextHungry"/> gave.</summary>
    public void Fill(AccountLane lane, IReadOnlyList<QueuedMail> tickets, bool more, long nextDue, int asked, Priority lowest)
    {
        lane.NextDue = Math.Min(lane.NextDue, nextDue);
        lane.More |= more && tickets.Count > 0; // what is left is on its way already, and its end wakes the lane
        lane.Glance |= lowest < Priority.Low && tickets.Count >= asked;
        for (var i = 0; i < tickets.Count; i++) Insert(lane, tickets[i]);
        Settle(lane);
    }

    // ── Waiting ──

    /// <summary>Ends the waits that are over and notices what came due.</summary>
    public void Advance(long now)
    {
        while (_looks.FirstKey <= now && _looks.First is { } lane)
        {
            if (lane.AtLimit?.Until <= now) lane.AtLimit = null;
            if (lane.BackingOff?.Until <= now) lane.BackingOff = null;
            if (!lane.Waits && lane.NextDue <= now)
            {
                lane.NextDue = long.MaxValue;
                lane.More = lane.Glance = true;
            }

            Waited(lane, now);
        }
    }

    /// <summary>To be called after a reason to wait was set or cleared.</summary>
    public void Waited(AccountLane lane, long now)
    {
        var until = Math.Max(lane.AtLimit?.Until ?? 0, lane.BackingOff?.Until ?? 0);
        lane.LetsGo = lane.Paused || lane.Unknown || (lane.Waits && until - now > LongPark);
        if (lane.Waits || lane.WaitedLast == long.MaxValue) lane.WaitedLast = lane.Waits ? long.MaxValue : now;
        if (lane.LetsGo) Empty(lane);
        else Settle(lane);
    }

    // ── The rest is bookkeeping ──

    private static (long, int, int) Name(in QueuedMail ticket) => (ticket.Id, ticket.Revision, ticket.Attempt);

    private static void Leave(LinkedList<AccountLane> list, LinkedListNode<AccountLane> node)
    {
        if (node.List is not null) list.Remove(node);
    }

    private static void Keep(LinkedList<AccountLane> list, LinkedListNode<AccountLane> node, bool member)
    {
        if (!member) Leave(list, node);
        else if (node.List is null) list.AddLast(node);
    }

    private int Share(AccountLane lane) => Math.Max(1, window / (_sizes.Count + (lane.Count == 0 ? 1 : 0)));

    private int Room(AccountLane lane)
    {
        var room = Share(lane) - lane.Count;
        return room <= 0 || (Count >= window && -_sizes.FirstKey <= lane.Count + 1) ? 0 : room;
    }

    private bool Below(AccountLane lane) => lane.Count < Math.Max(1, Share(lane) / 4);

    private bool IsHungry(AccountLane lane) => !lane.Waits
        && ((lane.More && Below(lane)) || (lane.Glance && lane.Count > 0 && lane.LastPriority > Priority.Immediate));

    private AccountLane? FirstHungry()
    {
        while (_hungry.First is { Value: var lane } node)
        {
            // With more lanes than tickets there may be no room; then the next pick makes some.
            if (IsHungry(lane)) return lane.More && Below(lane) && Room(lane) == 0 ? null : lane;
            _hungry.Remove(node);
        }

        return null;
    }

    private bool Land(AccountLane lane, in QueuedMail ticket)
    {
        if (!_flying.Remove(Name(ticket))) return false;
        lane.InFlight--;
        return true;
    }

    private void TurnAway(AccountLane lane, in QueuedMail ticket)
    {
        lane.More = true;
        letGo(ticket);
    }

    private void Insert(AccountLane lane, in QueuedMail ticket)
    {
        // A full lane makes room in itself; a full window in the largest lane, which has more than its share.
        var full = lane.Count >= Share(lane);
        var largest = full || Count < window ? null : _sizes.First;
        if (largest is not null && largest.Count > lane.Count + 1) Displace(largest);
        else if (full || largest is not null)
        {
            if (!lane.Outranks(ticket))
            {
                TurnAway(lane, ticket);
                return;
            }

            Displace(lane);
        }

        lane.Add(ticket);
        Count++;
        _sizes.Set(lane, -lane.Count);
    }

    private void Displace(AccountLane lane)
    {
        TurnAway(lane, lane.TakeLast());
        Count--;
        Settle(lane);
    }

    private void Empty(AccountLane lane)
    {
        if (lane.Count > 0) lane.Page = FirstPage;
        while (lane.Count > 0)
        {
            Count--;
            TurnAway(lane, lane.TakeLast());
        }

        Settle(lane);
    }

    // Puts the lane where it belongs after any change of it.
    private void Settle(AccountLane lane)
    {
        if (lane.Count == 0) _sizes.Remove(lane);
        else _sizes.Set(lane, -lane.Count);

        var may = lane.Count > 0 && !lane.Waits && lane.InFlight < Math.Min(lane.InFlightCap, Math.Max(1, inFlight / 4));
        Keep(_ready, lane.Ready, may);
        Keep(_urgent, lane.Urgent, may && lane.HasImmediate);
        if (IsHungry(lane)) Keep(_hungry, lane.Hungry, true);

        var look = lane.Paused || lane.Unknown ? long.MaxValue
            : lane.Waits ? Math.Min(lane.AtLimit?.Until ?? long.MaxValue, lane.BackingOff?.Until ?? long.MaxValue)
            : lane.NextDue;
        if (look == long.MaxValue) _looks.Remove(lane);
        else _looks.Set(lane, look);
    }
}
