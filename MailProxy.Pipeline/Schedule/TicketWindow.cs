using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// Which tickets are in memory: so many in all, of which a tenant has its share, and each of its lanes an equal part of that. What finds no
/// capacity, or loses it, goes to <paramref name="letGo"/>, and its lane remembers that the disk has more. Pure.
/// </summary>
internal sealed class TicketWindow(int window, TenantShare share, Action<QueuedMail> letGo)
{
    private readonly List<TenantLanes> _tenants = [];
    private long _whole = window;

    /// <summary>Tickets in memory.</summary>
    public int Count { get; private set; }

    /// <summary>A tenant's tickets in memory, and the most that it may have now. Safe to call from other threads.</summary>
    public (long Held, long Allowed) Of(TenantLanes? tenant) =>
        (tenant?.Count ?? 0, tenant is null ? share.Of(window, Count) : Allowed(tenant));

    public void Add(TenantLanes tenant) => _tenants.Add(tenant);

    public void Remove(TenantLanes tenant) => _tenants.Remove(tenant);

    /// <summary>How many the lane may have.</summary>
    public int Share(MailLane lane) => Math.Max(1, Allowed(lane.Tenant) / (lane.Tenant.Sizes.Count + (lane.Count == 0 ? 1 : 0)));

    /// <summary>How many more it may have now.</summary>
    public int Capacity(MailLane lane)
    {
        var left = Share(lane) - lane.Count;
        if (left <= 0 || (IsFull(lane.Tenant) && Largest(lane.Tenant) <= lane.Count + 1))
            return 0;
        return Count >= window && !IsFull(lane.Tenant) && Elsewhere() is null ? 0 : left;
    }

    /// <summary>It has less than a quarter of what it may have.</summary>
    public bool Below(MailLane lane) => lane.Count < Math.Max(1, Share(lane) / 4);

    /// <summary>
    /// Puts a ticket in. A full lane makes space in itself, a full tenant in its largest lane, and whoever has nothing yet in the largest
    /// lane of all.
    /// </summary>
    /// <returns>A lane that lost a ticket for it, and has to be settled; or null.</returns>
    public MailLane? Insert(MailLane lane, in QueuedMail ticket)
    {
        var tenant = lane.Tenant;
        MailLane? loser = null;
        if (lane.Count >= Share(lane))
            loser = lane;
        else if (IsFull(tenant))
            loser = tenant.Sizes.First;
        else if (Count >= window)
            loser = Elsewhere() ?? lane;

        if (loser is not null && loser != lane && loser.Count <= lane.Count + 1)
            loser = lane;
        if (loser == lane && !lane.Outranks(ticket))
        {
            TurnAway(lane, ticket);
            return null;
        }

        if (loser is not null)
            TurnAway(loser, Pull(loser));
        lane.Add(ticket);
        Counted(lane, 1);
        return loser == lane ? null : loser;
    }

    public QueuedMail Take(MailLane lane)
    {
        var ticket = lane.TakeFirst();
        Counted(lane, -1);
        return ticket;
    }

    public void TurnAway(MailLane lane, in QueuedMail ticket)
    {
        lane.TurnedAway(ticket);
        letGo(ticket);
    }

    public void Empty(MailLane lane)
    {
        while (lane.Count > 0)
            TurnAway(lane, Pull(lane));
    }

    /// <summary>Moves the lane to another tenant.</summary>
    public void Move(MailLane lane, TenantLanes to)
    {
        lane.Tenant.Sizes.Remove(lane);
        lane.Tenant.Count -= lane.Count;
        to.Count += lane.Count;
        if (lane.Count > 0)
            to.Sizes.Set(lane, -lane.Count);
    }

    /// <summary>When the first tenant is alone no longer, what it has beyond its share is let go.</summary>
    /// <returns>The lanes that lost tickets, to be settled.</returns>
    public IReadOnlyCollection<MailLane> Trim()
    {
        var whole = share.Of(window, 0);
        if (whole == Interlocked.Exchange(ref _whole, whole) || whole == window)
            return [];
        var lost = new HashSet<MailLane>();
        foreach (var tenant in _tenants)
        {
            while (tenant.Count > Allowed(tenant) && tenant.Sizes.First is { } largest)
            {
                TurnAway(largest, Pull(largest));
                lost.Add(largest);
            }
        }

        return lost;
    }

    private static int Largest(TenantLanes tenant) => tenant.Sizes.Count == 0 ? 0 : (int)-tenant.Sizes.FirstKey;

    // Asked only by a tenant that has nothing while the window is full, which needs very many tenants.
    private MailLane? Elsewhere() => _tenants.MaxBy(static t => t.Count)?.Sizes.First is { Count: > 1 } lane ? lane : null;

    private bool IsFull(TenantLanes tenant) => tenant.Count >= Allowed(tenant);

    private int Allowed(TenantLanes tenant) => (int)Math.Max(1, share.Of(window, Math.Max(0, Count - tenant.Count)));

    private QueuedMail Pull(MailLane lane)
    {
        var ticket = lane.TakeLast();
        Counted(lane, -1);
        return ticket;
    }

    private void Counted(MailLane lane, int change)
    {
        Count += change;
        lane.Tenant.Count += change;
        if (lane.Count == 0)
            lane.Tenant.Sizes.Remove(lane);
        else
            lane.Tenant.Sizes.Set(lane, -lane.Count);
    }
}
