using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// Whose turn it is: tenant by tenant, and within a tenant lane by lane. A tenant at its share of what is on its way is passed over and
/// keeps its turn. Pure.
/// </summary>
/// <param name="inFlight">Mails under way in all; a lane may have a quarter.</param>
internal sealed class LaneTurns(int inFlight, TenantShare share)
{
    private readonly LinkedList<TenantLanes> _ready = [];
    private readonly LinkedList<TenantLanes> _urgent = [];
    private bool _urgentLast;
    private int _flying;

    /// <summary>Number of mails under way. Safe to read from other threads.</summary>
    public int InFlight => Volatile.Read(ref _flying);

    /// <summary>How often a tenant reached its share while it had more to send.</summary>
    public long HeldBack { get; private set; }

    /// <summary>A tenant's mails under way, and the most that it may have now. Safe to call from other threads.</summary>
    public (long Held, long Allowed) Of(TenantLanes? tenant)
    {
        var held = tenant?.InFlight ?? 0;
        return (held, share.Of(inFlight, Math.Max(0, InFlight - held)));
    }

    /// <summary>Whether the tenant's part, and not what there is in all, keeps it from more. Safe to call from other threads.</summary>
    public bool IsAtShare(TenantLanes tenant) => InFlight < inFlight && !May(tenant);

    /// <summary>Whether the lane has as many mails under way as it may have. Safe to call from other threads.</summary>
    public bool IsBusy(MailLane lane) =>
        lane.IsProbed || lane.InFlight + lane.Lent >= Math.Min(lane.InFlightCap, Math.Max(1, inFlight / 4));

    /// <summary>Null when no lane may send. A lane with an immediate mail goes first, but at most every second time.</summary>
    public MailLane? Next(long now)
    {
        if (_flying >= inFlight)
            return null;
        return (_urgentLast ? null : First(_urgent, now)?.Urgent.First)?.Value ?? First(_ready, now)?.Ready.First?.Value;
    }

    /// <summary>A ticket of the lane is under way now; lane and tenant go to the end of their rounds.</summary>
    public void Took(MailLane lane, long now)
    {
        var tenant = lane.Tenant;
        _urgentLast = !_urgentLast && First(_urgent, now)?.Urgent.First?.Value == lane;
        tenant.IsHeldBack = false;
        Flies(lane, 1);
        Leave(tenant.Ready, lane.Ready);
        Leave(tenant.Urgent, lane.Urgent);
        Leave(_ready, tenant.ReadyTurn);
        Leave(_urgent, tenant.UrgentTurn);
    }

    /// <summary>A ticket of the lane is no longer under way.</summary>
    public void Landed(MailLane lane) => Flies(lane, -1);

    /// <summary>Puts lane and tenant where they belong after any change of the lane.</summary>
    public void Settle(MailLane lane)
    {
        var tenant = lane.Tenant;
        var may = lane.Count > 0 && !lane.Waits && !IsBusy(lane);
        Keep(tenant.Ready, lane.Ready, may);
        Keep(tenant.Urgent, lane.Urgent, may && lane.HasImmediate);
        Keep(_ready, tenant.ReadyTurn, tenant.Ready.Count > 0);
        Keep(_urgent, tenant.UrgentTurn, tenant.Urgent.Count > 0);
    }

    /// <summary>Moves the lane to another tenant; it must be settled afterwards.</summary>
    public void Move(MailLane lane, TenantLanes to)
    {
        Leave(lane.Tenant.Ready, lane.Ready);
        Leave(lane.Tenant.Urgent, lane.Urgent);
        Keep(_ready, lane.Tenant.ReadyTurn, lane.Tenant.Ready.Count > 0);
        Keep(_urgent, lane.Tenant.UrgentTurn, lane.Tenant.Urgent.Count > 0);
        lane.Tenant.InFlight -= lane.InFlight;
        to.InFlight += lane.InFlight;
    }

    internal static void Leave<T>(LinkedList<T> list, LinkedListNode<T> node)
    {
        if (node.List is not null)
            list.Remove(node);
    }

    internal static void Keep<T>(LinkedList<T> list, LinkedListNode<T> node, bool member)
    {
        if (!member)
            Leave(list, node);
        else if (node.List is null)
            list.AddLast(node);
    }

    private void Flies(MailLane lane, int change)
    {
        lane.InFlight += change;
        lane.Tenant.InFlight += change;
        Volatile.Write(ref _flying, _flying + change);
    }

    private TenantLanes? First(LinkedList<TenantLanes> round, long now)
    {
        for (var node = round.First; node is not null; node = node.Next)
        {
            var tenant = node.Value;
            if (May(tenant))
                return tenant;
            if (!tenant.IsHeldBack)
                HeldBack++;
            tenant.IsHeldBack = true;
            tenant.HeldBackLast = now;
        }

        return null;
    }

    private bool May(TenantLanes tenant) => share.Allows(inFlight, Math.Max(0, InFlight - tenant.InFlight), tenant.InFlight, 1);
}
