using System.Numerics;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Schedule;

/// <summary>The reason why a lane waits, and when the wait ends (Unix milliseconds).</summary>
internal sealed record LanePark(long Until, string Reason)
{
    /// <summary>The lane waits for the limit of its whole tenant.</summary>
    public bool OfTenant { get; init; }

    /// <summary>The lane is an account's, which its provider slowed.</summary>
    public bool IsSlowed { get; init; }

    /// <summary>The lane is a pool's, and waits for one of its accounts.</summary>
    public bool OfPool { get; init; }
}

/// <summary>
/// One lane's tickets in order: by priority, inside one priority fresh (due 0) and deferred in turns, each by due time and arrival.
/// Written by the scheduler's loop only; other threads may read members of word size.
/// </summary>
internal sealed class MailLane
{
    private const int Priorities = 4;

    // Fresh and deferred of each priority: index 2 * priority, + 1 for deferred.
    private readonly TicketHeap?[] _heaps = new TicketHeap?[2 * Priorities];
    private uint _filled; // which heaps have tickets
    private uint _deferredTurn; // by priority: whose turn it is while there are both
    private TicketName? _probe; // kept until it lands, whatever becomes of the lane meanwhile

    public MailLane(LaneKey key, TenantLanes? tenant = null)
    {
        Key = key;
        Tenant = tenant ?? new("");
        Ready = new(this);
        Urgent = new(this);
        Refill = new(this);
    }

    public LaneKey Key { get; }

    /// <summary>The tenant that owns the lane, with its other lanes.</summary>
    public TenantLanes Tenant { get; set; }

    public int Count { get; private set; }

    /// <summary>Number of its tickets that are set aside until their attachments are here.</summary>
    public int Aside { get; set; }

    public int InFlight { get; set; }

    /// <summary>Of an account's lane: mails of pools that are under way by the account.</summary>
    public int Lent { get; set; }

    /// <summary>Of a pool's lane: its accounts, in order; null: it is an account's lane.</summary>
    public IReadOnlyList<PoolCandidate>? Candidates { get; set; }

    /// <summary>Of an account's lane: the account is in a pool.</summary>
    public bool IsInPool { get; set; }

    public int InFlightCap { get; set; } = 1;

    /// <summary>Of an account's lane: how fast mail goes by the account, that of pools included.</summary>
    public RateMeter Meter { get; } = new();

    // ── Reasons to wait ──
    public bool Paused { get; set; }
    public bool Unknown { get; set; }

    /// <summary>Its account was deleted; it goes when its last ticket under way comes back.</summary>
    public bool Gone { get; set; }

    public LanePark? AtLimit { get; set; }
    public LanePark? BackingOff { get; set; }

    /// <summary>Of an account's lane: its back-off is over and nothing has got through yet: one mail goes at a time.</summary>
    public bool HalfOpen { get; set; }

    /// <summary>Of an account's lane that is half-open: the mail that tries it is under way.</summary>
    public bool IsProbed => HalfOpen && _probe is not null;

    /// <summary>The tenant in whose <see cref="TenantLanes.AtLimit"/> it is; null: in none.</summary>
    public TenantLanes? AtLimitOf { get; set; }

    public bool Waits => Paused || Unknown || AtLimit is not null || BackingOff is not null;

    /// <summary>The lane waits for long and holds no tickets meanwhile.</summary>
    public bool LetsGo { get; set; }

    /// <summary>When the lane last had a reason to wait; <see cref="long.MinValue"/>: never.</summary>
    public long WaitedLast { get; set; } = long.MinValue;

    // ── Knowledge of the disk ──

    /// <summary>The disk may have more mail that is due. Set after a commit, cleared before a query.</summary>
    public bool More { get; set; }

    /// <summary>The disk may have new mail that is more urgent than the last ticket here.</summary>
    public bool Glance { get; set; }

    /// <summary>When the disk's next mail is due; <see cref="long.MaxValue"/>: none is known.</summary>
    public long NextDue { get; set; } = long.MaxValue;

    /// <summary>Size of the next page: small after a long wait, doubled with each page.</summary>
    public int Page { get; set; }

    // ── Positions in the queue's lists and heaps ──
    public LinkedListNode<MailLane> Ready { get; }
    public LinkedListNode<MailLane> Urgent { get; }
    public LinkedListNode<MailLane> Refill { get; }
    public int[] HeapIndexes { get; } = [-1, -1];

    public bool HasImmediate => (_filled & 0b11) != 0;

    public Priority LastPriority => (Priority)((31 - BitOperations.LeadingZeroCount(_filled)) >> 1);

    /// <summary>The ticket that <see cref="TakeFirst"/> takes. The lane must not be empty.</summary>
    public ref readonly QueuedMail First => ref _heaps[FirstHeap()]!.First;

    /// <summary>A mail is under way by the account.</summary>
    public void Goes(TicketName mail)
    {
        if (HalfOpen)
            _probe = mail;
    }

    /// <summary>A mail is under way by the account no longer.</summary>
    public void Landed(TicketName mail)
    {
        if (_probe == mail)
            _probe = null;
    }

    public void Add(in QueuedMail ticket)
    {
        var heap = HeapOf(ticket);
        (_heaps[heap] ??= new()).Add(ticket);
        _filled |= 1u << heap;
        Count++;
    }

    public QueuedMail TakeFirst()
    {
        var heap = FirstHeap();
        // The other kind of the same priority is next.
        _deferredTurn = (heap & 1) == 0 ? _deferredTurn | (1u << (heap >> 1)) : _deferredTurn & ~(1u << (heap >> 1));
        var ticket = _heaps[heap]!.TakeFirst();
        Took(heap);
        return ticket;
    }

    /// <summary>Takes the ticket that may wait longest: the last of the larger half of the lowest priority.</summary>
    public QueuedMail TakeLast()
    {
        var heap = LastHeap();
        var ticket = _heaps[heap]!.TakeLast();
        Took(heap);
        return ticket;
    }

    /// <summary>Whether the ticket precedes one in the lane: one of a lower priority, or the last of its own kind.</summary>
    public bool Outranks(in QueuedMail ticket)
    {
        if (Count == 0)
            return false;
        var last = LastPriority;
        return ticket.Priority < last
            || (
                ticket.Priority == last
                && (_filled & (1u << HeapOf(ticket))) != 0
                && TicketHeap.Before(ticket, _heaps[HeapOf(ticket)]!.Last)
            );
    }

    private static int HeapOf(in QueuedMail ticket) => (2 * (int)ticket.Priority) + (ticket.Due > 0 ? 1 : 0);

    private int FirstHeap()
    {
        var heap = BitOperations.TrailingZeroCount(_filled);
        if ((heap & 1) == 1)
            return heap;
        var both = (_filled & (0b10u << heap)) != 0;
        return both && (_deferredTurn & (1u << (heap >> 1))) != 0 ? heap + 1 : heap;
    }

    private int LastHeap()
    {
        var fresh = 2 * (int)LastPriority;
        var fresher = _heaps[fresh]?.Count ?? 0;
        var deferred = _heaps[fresh + 1]?.Count ?? 0;
        return fresher >= deferred ? fresh : fresh + 1;
    }

    private void Took(int heap)
    {
        Count--;
        if (_heaps[heap]!.Count == 0)
            _filled &= ~(1u << heap);
    }
}
