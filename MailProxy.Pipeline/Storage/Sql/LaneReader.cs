using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Reads one lane: the mail that is due, in sending order, without what is claimed.</summary>
internal sealed class LaneReader(Claims claims)
{
    /// <summary>When (milliseconds) a lane looks again for mail that was skipped because its message was being changed.</summary>
    private const long AfterChange = 1_000;

    private const string Next =
        "SELECT min(due) FROM queue INDEXED BY queue_due WHERE state = 0 AND due > 0 AND lane = ?1 AND priority = ?2 AND due > ?3";
    private const string AnyFresh = "SELECT 1 FROM queue INDEXED BY queue_lane WHERE state = 0 AND due = 0 AND lane = ?1 LIMIT 1";
    private const string NextFreshLane = "SELECT min(lane) FROM queue INDEXED BY queue_lane WHERE state = 0 AND due = 0 AND lane > ?1";
    private const string NextDueLane = "SELECT min(lane) FROM queue INDEXED BY queue_due WHERE state = 0 AND due > 0 AND lane > ?1";

    /// <param name="tickets">What is claimed, and so what is to be given back should the reading fail.</param>
    public ClaimedPage Claim(Session session, LaneKey lane, ClaimRequest request, List<QueuedMail> tickets)
    {
        var notes = new SliceNotes();
        var more = false;
        var lowest = Priority.Immediate;
        var nextDue = long.MaxValue;
        var cursor = request.Cursor ?? new();
        for (var priority = Priority.Immediate; priority <= Priority.Low; priority++)
        {
            // Once a priority has more than is wanted, it goes before all that is lower.
            var wanted = priority <= request.LowestPriority && !more ? request.Count - tickets.Count : 0;
            var slice = new LaneSlice(session, claims, lane, priority, request, cursor, notes);
            if (wanted > 0)
            {
                Claim(slice.Read(wanted, out more), tickets, notes);
                lowest = priority;
            }
            else if (!more)
                more = slice.IsAny();

            nextDue = Math.Min(nextDue, NextDue(session, lane, priority, request.Now) ?? long.MaxValue);
        }

        // Should the change be undone, nobody wakes the lane.
        return new(tickets, more, notes.IsChanging ? Math.Min(nextDue, request.Now + AfterChange) : nextDue)
        {
            Left = notes.Left,
            IsCut = notes.IsCut,
            LowestPriority = lowest,
        };
    }

    /// <summary>
    /// Lanes with waiting mail, and when the earliest of it is due. Takes a few index seeks per lane, however long its queue is.
    /// </summary>
    public static List<(LaneKey Lane, long Due)> Lanes(Session session)
    {
        var lanes = new List<(LaneKey, long)>();
        for (var last = (long?)long.MinValue; ; )
        {
            var fresh = session.Prepare(NextFreshLane).Add(last).Scalar();
            var deferred = session.Prepare(NextDueLane).Add(last).Scalar();
            last = fresh is null || deferred < fresh ? deferred : fresh;
            if (last is not { } number)
                return lanes;
            var key = new LaneKey((int)number);
            var due = session.Prepare(AnyFresh).Add(number).Scalar() is null ? long.MaxValue : 0;
            for (var priority = Priority.Immediate; priority <= Priority.Low && due > 0; priority++)
                due = Math.Min(due, NextDue(session, key, priority, -1) ?? long.MaxValue);
            lanes.Add((key, due));
        }
    }

    private static long? NextDue(Session session, LaneKey lane, Priority priority, long after) =>
        session.Prepare(Next).Add(lane.Number).Add((long)priority).Add(after).Scalar();

    private void Claim(List<QueuedMail> found, List<QueuedMail> tickets, SliceNotes notes)
    {
        foreach (var ticket in found)
        {
            if (claims.TryAdd(ticket))
                tickets.Add(ticket);
            else
                notes.IsChanging = true;
        }
    }
}
