using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Schedule;

/// <summary>Which lanes this node sends for: those of others let their tickets go. Used by the scheduler's loop only.</summary>
internal sealed class LaneHolders(ActiveQueue queue)
{
    private LeaseView? _view;

    /// <summary>Sends for what this node holds, and lets go of the rest.</summary>
    public void See(LeaseView view, long now)
    {
        if (ReferenceEquals(view, _view))
            return;
        _view = view;
        foreach (var lane in queue.Lanes)
            See(lane, now);
    }

    public void See(MailLane lane, long now)
    {
        var isElsewhere = _view?.Holds(lane.Key) != true;
        if (lane.Elsewhere == isElsewhere)
            return;
        lane.Elsewhere = isElsewhere;
        queue.Waited(lane, now);
    }
}
