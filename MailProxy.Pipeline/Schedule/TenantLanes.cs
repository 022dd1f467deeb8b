namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// One tenant's lanes, and whose turn it is among them: a tenant with six hundred accounts has as many turns as one with a single account.
/// Written by the scheduler's loop only; other threads may read members of word size.
/// </summary>
internal sealed class TenantLanes
{
    public TenantLanes(string tenant)
    {
        Tenant = tenant;
        ReadyTurn = new(this);
        UrgentTurn = new(this);
        RefillTurn = new(this);
    }

    public string Tenant { get; }

    /// <summary>Number of its lanes.</summary>
    public int Lanes { get; set; }

    /// <summary>Tickets in memory.</summary>
    public int Count { get; set; }

    /// <summary>Number of mails under way.</summary>
    public int InFlight { get; set; }

    /// <summary>The tenant was passed over because of its share, and has had no turn since.</summary>
    public bool IsHeldBack { get; set; }

    /// <summary>When the tenant was last passed over because of its share; <see cref="long.MinValue"/>: never.</summary>
    public long HeldBackLast { get; set; } = long.MinValue;

    /// <summary>Its lanes that wait for the limit of the whole tenant.</summary>
    public HashSet<MailLane> AtLimit { get; } = [];

    public LinkedList<MailLane> Ready { get; } = [];
    public LinkedList<MailLane> Urgent { get; } = [];
    public LinkedList<MailLane> Refill { get; } = [];

    /// <summary>Its lanes that have tickets, most first.</summary>
    public LaneHeap Sizes { get; } = new(1);

    // ── Positions in the queue's lists and heaps ──
    public LinkedListNode<TenantLanes> ReadyTurn { get; }
    public LinkedListNode<TenantLanes> UrgentTurn { get; }
    public LinkedListNode<TenantLanes> RefillTurn { get; }
}
