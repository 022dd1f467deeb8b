using System.Numerics;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

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

    /// <summary>The circuit of the lane's account is open.</summary>
    public static LanePark Open(AccountTrouble trouble, long until) =>
        new(until, $"the circuit is open ({Circuit.CauseOf(trouble.Kind)}): {trouble.Explained}; then one message tries it");
}

/// <summary>
/// One lane's tickets in order: by priority, inside one priority batch by batch in turn (<see cref="FlowRound"/>). Written by the
/// scheduler's loop only; other threads may read members of word size.
/// </summary>
internal sealed class MailLane
{
    private readonly FlowRound?[] _rounds = new FlowRound?[(int)Priority.Low + 1];
    private uint _filled; // which priorities have tickets
    private bool _isShort;
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

    /// <summary>Of an account's lane: when (Unix milliseconds) it is the turn of the next mail of a pool that was put off until the account
    /// can send.</summary>
    public long PassedTurn { get; set; }

    /// <summary>Of a pool's lane: what is known of mail that was passed over.</summary>
    public PassedNotes Passed { get; } = new();

    /// <summary>Of a pool's lane: mail that waits aside for accounts that are busy.</summary>
    public StandBy StandBy { get; } = new();

    // ── Reasons to wait ──
    public bool Paused { get; set; }
    public bool Unknown { get; set; }

    /// <summary>Another node sends its mail, or none does at the moment.</summary>
    public bool Elsewhere { get; set; }

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

    public bool Waits => IsClosed || AtLimit is not null || BackingOff is not null;

    /// <summary>It waits for something that does not end at a time.</summary>
    public bool IsClosed => Paused || Unknown || Elsewhere;

    /// <summary>The lane waits for long and holds no tickets meanwhile.</summary>
    public bool LetsGo { get; set; }

    /// <summary>When the lane last had a reason to wait; <see cref="long.MinValue"/>: never.</summary>
    public long WaitedLast { get; set; } = long.MinValue;

    // ── Knowledge of the disk ──

    /// <summary>The disk may have more mail that is due. Set after a commit, cleared before a query.</summary>
    public bool More { get; set; }

    /// <summary>The disk may have mail that goes before the last ticket here: more urgent, or of a batch that has few.</summary>
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

    public bool HasImmediate => (_filled & 1) != 0;

    public Priority LastPriority => (Priority)(31 - BitOperations.LeadingZeroCount(_filled));

    /// <summary>Whether batches of the last priority may be short of tickets while others have many.</summary>
    public bool IsUneven => Count > 0 && _rounds[(int)LastPriority]!.IsUneven;

    /// <summary>What its batches weigh.</summary>
    public FlowWeights Weights { get; private set; } = FlowWeights.Equal;

    /// <summary>How far the disk's rounds of batches have come.</summary>
    public LaneCursor Cursor { get; } = new();

    /// <summary>The ticket that <see cref="TakeFirst"/> takes. The lane must not be empty.</summary>
    public ref readonly QueuedMail First => ref _rounds[BitOperations.TrailingZeroCount(_filled)]!.First;

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
        (_rounds[(int)ticket.Priority] ??= new(Weights)).Add(ticket);
        _filled |= 1u << (int)ticket.Priority;
        Count++;
    }

    public QueuedMail TakeFirst()
    {
        var ticket = _rounds[BitOperations.TrailingZeroCount(_filled)]!.TakeFirst(out var isShort);
        Glance |= isShort;
        _isShort |= isShort;
        Took(ticket.Priority);
        return ticket;
    }

    /// <summary>Its batches weigh so from now on.</summary>
    public void Weigh(FlowWeights weights)
    {
        if (ReferenceEquals(weights, Weights))
            return;
        Weights = weights;
        foreach (var round in _rounds)
            round?.Weigh(weights);
    }

    /// <summary>Whether a batch has become short of tickets: the disk should be asked before more is taken. Told once.</summary>
    public bool TakeShort()
    {
        var isShort = _isShort;
        _isShort = false;
        return isShort;
    }

    /// <summary>Takes the ticket that may wait longest: the last of the largest batch of the lowest priority.</summary>
    public QueuedMail TakeLast()
    {
        var ticket = _rounds[(int)LastPriority]!.TakeLast();
        Took(ticket.Priority);
        return ticket;
    }

    /// <summary>The disk has a ticket that is not here; its batch may be short of tickets.</summary>
    public void TurnedAway(in QueuedMail ticket)
    {
        More = true;
        Glance |= _rounds[(int)ticket.Priority]?.TurnedAway(ticket.Flow) ?? false;
    }

    /// <summary>Whether the ticket precedes one in the lane, whatever of its batch is on the disk: one of a lower priority or the last of
    /// its own kind.</summary>
    public bool Precedes(in QueuedMail ticket) =>
        Count > 0 && (ticket.Priority < LastPriority || (ticket.Priority == LastPriority && _rounds[(int)LastPriority]!.Precedes(ticket)));

    /// <summary>Whether the ticket precedes one in the lane; nothing of its batch that goes before it is on the disk.</summary>
    public bool Outranks(in QueuedMail ticket) =>
        Count > 0 && (ticket.Priority < LastPriority || (ticket.Priority == LastPriority && _rounds[(int)LastPriority]!.Outranks(ticket)));

    /// <summary>The batches of the last priority that are not short of tickets. What is more urgent goes before all of them.</summary>
    public HashSet<(Priority, FlowKey)> NotShort()
    {
        var flows = new HashSet<(Priority, FlowKey)>();
        _rounds[(int)LastPriority]!.AddNotShort(LastPriority, flows);
        return flows;
    }

    /// <summary>The tickets go: what is read next of a priority begins with the batch whose turn it is.</summary>
    public void StandBack()
    {
        for (var priority = 0; priority < _rounds.Length; priority++)
        {
            if (_rounds[priority] is { IsEmpty: false } round)
                Cursor.StandAfter((Priority)priority, new(round.Turn.Number - 1));
        }
    }

    /// <summary>Notes what a page tells of the disk, before its tickets are added.</summary>
    public void Learn(ClaimedPage page, ClaimRequest asked)
    {
        NextDue = Math.Min(NextDue, page.NextDue);
        // Without a ticket what is left is on its way already, and its end wakes the lane.
        More |= page.More && (page.Tickets.Count > 0 || page.IsCut);
        if (page.Tickets.Count >= asked.Count || page.IsCut)
        {
            // There may be more that goes before what is here.
            Glance |= asked.Enough is not null || (Count > 0 && page.Tickets.Count > 0 && page.Tickets[^1].Priority < LastPriority);
            return;
        }

        for (var priority = 0; priority <= (int)page.LowestPriority; priority++)
            _rounds[priority]?.KnowsAll((Priority)priority, asked.Enough);
    }

    /// <summary>The disk has more of the batch.</summary>
    public void HasMore(Priority priority, FlowKey flow)
    {
        _rounds[(int)priority]?.HasMore(flow);
        Glance |= Count > 0 && priority < LastPriority;
    }

    private void Took(Priority priority)
    {
        Count--;
        if (_rounds[(int)priority]!.IsEmpty)
            _filled &= ~(1u << (int)priority);
    }
}
