using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Schedule;

/// <summary>Which lane asks the disk next, and for what. Tenants take turns, and the lanes of a tenant. Pure.</summary>
/// <param name="page">Tickets that one question asks for at most.</param>
internal sealed class LaneRefills(TicketWindow window, int page)
{
    /// <summary>Tickets that a lane asks for first, and again after it was emptied.</summary>
    public const int FirstPage = 32;

    private readonly LinkedList<TenantLanes> _tenants = []; // those with lanes that should ask the disk

    /// <summary>The next lane that should ask the disk; null: none should.</summary>
    public MailLane? First()
    {
        for (var node = _tenants.First; node is not null; )
        {
            var tenant = node.Value;
            var next = node.Next;
            while (tenant.Refill.First is { } head && !IsDue(head.Value))
                tenant.Refill.Remove(head);
            if (tenant.Refill.First?.Value is not { } lane)
                _tenants.Remove(node);
            // With more lanes than tickets there may be no capacity; then the tenant's next pick makes some.
            else if (!(lane.More && window.Below(lane)) || window.Capacity(lane) > 0)
                return lane;
            node = next;
        }

        return null;
    }

    /// <summary>What the lane asks for; what it knew of the disk is forgotten before the question.</summary>
    public ClaimRequest Ask(MailLane lane, long now)
    {
        lane.Tenant.Refill.Remove(lane.Refill);
        LaneTurns.Leave(_tenants, lane.Tenant.RefillTurn);
        lane.Glance = false;
        if (lane.More && window.Below(lane))
        {
            var count = Math.Min(Math.Min(lane.Page, page), window.Capacity(lane));
            lane.More = false;
            lane.NextDue = long.MaxValue;
            lane.Page = Math.Min(lane.Page * 2, page);
            return new(count, now) { Cursor = lane.Cursor, Weights = lane.Weights };
        }

        // Enough is here; only what is more urgent than the last of it, or of batches of which little is here, is worth a look.
        return new(Math.Min(FirstPage, window.Share(lane)), now, lane.IsUneven ? lane.LastPriority : lane.LastPriority - 1)
        {
            Cursor = lane.Cursor,
            Weights = lane.Weights,
            Enough = lane.NotShort(),
        };
    }

    /// <summary>Puts the lane where it belongs after any change of it.</summary>
    public void Settle(MailLane lane)
    {
        var due = IsDue(lane);
        if (due)
            LaneTurns.Keep(lane.Tenant.Refill, lane.Refill, true);
        if (due || lane.Tenant.Refill.Count > 0)
            LaneTurns.Keep(_tenants, lane.Tenant.RefillTurn, true);
    }

    /// <summary>The tenant has no lanes any more.</summary>
    public void Leave(TenantLanes tenant) => LaneTurns.Leave(_tenants, tenant.RefillTurn);

    private bool IsDue(MailLane lane) =>
        !lane.Waits
        && (
            (lane.More && window.Below(lane))
            || (lane.Glance && lane.Count > 0 && (lane.LastPriority > Priority.Immediate || lane.IsUneven))
        );
}
