namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// Where a tenant's limit is used up, the lane that was refused first goes first. Otherwise small mail of one account would take each
/// permit that opens, and a larger slice of another account would never go. Used by the scheduler's loop only.
/// </summary>
internal sealed class TenantTurns
{
    private readonly Dictionary<string, MailLane> _first = [];

    /// <summary>The lane that this one must wait for; null when it may ask.</summary>
    public MailLane? Before(string tenant, MailLane lane)
    {
        if (_first.Count == 0 || !_first.TryGetValue(tenant, out var first) || first == lane)
            return null;
        if (CanTake(first))
            return first;
        _first.Remove(tenant);
        return null;
    }

    public void Refused(string tenant, MailLane lane) => _first.TryAdd(tenant, lane);

    public void Granted(string tenant, MailLane lane)
    {
        if (_first.Count > 0 && _first.GetValueOrDefault(tenant) == lane)
            _first.Remove(tenant);
    }

    /// <summary>Forgets lanes whose account is gone.</summary>
    public void ForgetDeleted()
    {
        foreach (var (tenant, lane) in _first)
        {
            if (lane.Unknown)
                _first.Remove(tenant);
        }
    }

    // A lane that waits for something else as well, or has no mail any more, loses its turn.
    private static bool CanTake(MailLane lane) =>
        lane is { Paused: false, Unknown: false, BackingOff: null }
        && lane.InFlight < lane.InFlightCap
        && (lane.AtLimit is { OfTenant: true } || (lane.AtLimit is null && (lane.Count > 0 || lane.More)));
}
