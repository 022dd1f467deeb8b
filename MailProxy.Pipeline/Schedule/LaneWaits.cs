namespace MailProxy.Pipeline.Schedule;

/// <summary>Which lanes wait, for how long, and when each is looked at next. Pure.</summary>
internal sealed class LaneWaits
{
    /// <summary>A lane that waits longer than this (milliseconds) keeps no tickets.</summary>
    private const long LongPark = 1000;

    private readonly LaneHeap _looks = new(0); // by the time of the next look

    /// <summary>When the first lane is to be looked at; <see cref="long.MaxValue"/>: none is.</summary>
    public long NextLook => _looks.FirstKey;

    /// <summary>Ends the waits of the first lane that are over, and returns it; null: no lane is to be looked at yet.</summary>
    public MailLane? EndFirst(long now)
    {
        if (_looks.FirstKey > now || _looks.First is not { } lane)
            return null;
        if (lane.AtLimit?.Until <= now)
            lane.AtLimit = null;
        if (lane.BackingOff?.Until <= now)
            (lane.BackingOff, lane.HalfOpen) = (null, true);
        if (!lane.Waits && lane.NextDue <= now)
        {
            lane.NextDue = long.MaxValue;
            lane.More = lane.Glance = true;
        }

        return lane;
    }

    /// <summary>Notes that a reason to wait was set or cleared.</summary>
    public void Note(MailLane lane, long now)
    {
        var until = Math.Max(lane.AtLimit?.Until ?? 0, lane.BackingOff?.Until ?? 0);
        lane.LetsGo = lane.IsClosed || (lane.Waits && until - now > LongPark);
        if (lane.Waits || lane.WaitedLast == long.MaxValue)
            lane.WaitedLast = lane.Waits ? long.MaxValue : now;

        var tenant = lane.AtLimit is { OfTenant: true } ? lane.Tenant : null;
        if (tenant == lane.AtLimitOf)
            return;
        lane.AtLimitOf?.AtLimit.Remove(lane);
        tenant?.AtLimit.Add(lane);
        lane.AtLimitOf = tenant;
    }

    /// <summary>Sets when the lane is to be looked at, after any change of it.</summary>
    public void Settle(MailLane lane)
    {
        var look =
            lane.IsClosed ? long.MaxValue
            : lane.Waits ? Math.Min(lane.AtLimit?.Until ?? long.MaxValue, lane.BackingOff?.Until ?? long.MaxValue)
            : Math.Min(lane.NextDue, lane.StandBy.Until);
        if (look == long.MaxValue)
            _looks.Remove(lane);
        else
            _looks.Set(lane, look);
    }
}
