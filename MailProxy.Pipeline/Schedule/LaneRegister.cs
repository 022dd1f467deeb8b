using System.Collections.Concurrent;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Schedule;

/// <summary>Every lane and every tenant with lanes. Written by the scheduler's loop only; safe to read from other threads.</summary>
internal sealed class LaneRegister(TicketWindow window, LaneRefills refills)
{
    private readonly ConcurrentDictionary<LaneKey, MailLane> _lanes = [];
    private readonly ConcurrentDictionary<string, TenantLanes> _tenants = new(StringComparer.Ordinal);

    public IEnumerable<MailLane> All => _lanes.Values;

    public MailLane? Find(LaneKey key) => _lanes.GetValueOrDefault(key);

    public TenantLanes? Tenant(string tenant) => _tenants.GetValueOrDefault(tenant);

    /// <summary>The lane of this key, made when it is new (<paramref name="made"/>).</summary>
    public MailLane Lane(LaneKey key, out bool made, string tenant)
    {
        made = !_lanes.TryGetValue(key, out var lane);
        return made ? _lanes[key] = new(key, Enter(tenant)) { Page = LaneRefills.FirstPage } : lane!;
    }

    /// <summary>A lane is the tenant's from now on.</summary>
    public TenantLanes Enter(string tenant)
    {
        if (!_tenants.TryGetValue(tenant, out var known))
        {
            window.Add(known = new(tenant));
            _tenants[tenant] = known;
        }

        known.Lanes++;
        return known;
    }

    /// <summary>A lane goes to a tenant, to be settled there. False: it is the tenant's already.</summary>
    public bool Move(MailLane lane, string tenant, LaneTurns turns)
    {
        if (lane.Tenant.Tenant == tenant)
            return false;
        var (from, to) = (lane.Tenant, Enter(tenant));
        LaneTurns.Leave(from.Refill, lane.Refill);
        turns.Move(lane, to);
        window.Move(lane, to);
        lane.Tenant = to;
        Leave(from);
        return true;
    }

    /// <summary>A lane is the tenant's no longer; a tenant without lanes is forgotten.</summary>
    public void Leave(TenantLanes tenant)
    {
        if (--tenant.Lanes > 0)
            return;
        refills.Leave(tenant);
        window.Remove(tenant);
        _tenants.TryRemove(tenant.Tenant, out _);
    }

    /// <summary>False: it was not there.</summary>
    public bool Remove(MailLane lane)
    {
        if (!_lanes.TryRemove(lane.Key, out _))
            return false;
        LaneTurns.Leave(lane.Tenant.Refill, lane.Refill);
        Leave(lane.Tenant);
        return true;
    }
}
