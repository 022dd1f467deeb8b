using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// Counts what goes before a message in its lane: all that is due of higher priorities, and of its own priority those of its kind (fresh
/// or deferred) before it and as many of the other kind, which go in turn. Reads the lane index only, up to a bound.
/// </summary>
internal static class LanePositions
{
    private const string Lane = "FROM queue INDEXED BY queue_lane WHERE state = 0 AND lane = ?1 AND priority = ?2 AND ";

    internal const string Row = "SELECT lane, priority, due FROM queue WHERE message = ?1 AND state = 0 AND due <= ?2";
    internal const string Due = "SELECT count(*) FROM (SELECT 1 " + Lane + "due <= ?3 LIMIT ?4)";
    internal const string Fresh = "SELECT count(*) FROM (SELECT 1 " + Lane + "due = 0 AND message < ?3 LIMIT ?4)";
    internal const string Deferred = "SELECT count(*) FROM (SELECT 1 " + Lane + "due > 0 AND (due, message) < (?3, ?4) LIMIT ?5)";

    public static LanePosition? Of(Session session, long number, long now)
    {
        var row = session.Prepare(Row).Add(number).Add(now);
        if (!row.Step())
            return null;
        var (lane, own, due) = (row.Long(0), row.Int(1), row.Long(2));
        row.Reset();

        const int Most = LanePosition.Most + 1;
        long ahead = 0;
        for (var priority = (int)Priority.Immediate; priority < own && ahead < Most; priority++)
            ahead += session.Prepare(Due).Add(lane).Add(priority).Add(now).Add(Most).Scalar() ?? 0;
        if (ahead < Most)
        {
            var fresh = FreshBefore(due == 0 ? number : long.MaxValue);
            var deferred = DeferredBefore(due == 0 ? (now, long.MaxValue) : (due, number));
            // They go in turn, a fresh one first.
            ahead += due == 0 ? fresh + Math.Min(deferred, fresh) : deferred + Math.Min(fresh, deferred + 1);
        }

        return new(Math.Min(ahead, LanePosition.Most), ahead > LanePosition.Most);

        long FreshBefore(long message) => session.Prepare(Fresh).Add(lane).Add(own).Add(message).Add(Most).Scalar() ?? 0;

        long DeferredBefore((long Due, long Message) place) =>
            session.Prepare(Deferred).Add(lane).Add(own).Add(place.Due).Add(place.Message).Add(Most).Scalar() ?? 0;
    }
}
