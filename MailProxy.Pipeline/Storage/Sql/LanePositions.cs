using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Counts what goes before a message in its lane: all that is due of higher priorities; of its own batch those of its kind (fresh or
/// deferred) before it and as many of the other kind, which go in turn; and of every other batch as many as of its own, by what they
/// weigh, since batches go in turn. Reads indexes of the queue only, up to a bound.
/// </summary>
internal static class LanePositions
{
    /// <summary>The most batches that are looked at.</summary>
    private const int MostBatches = 1_000;

    private const int Most = LanePosition.Most + 1;

    private const string Here = " AND lane = ?1 AND priority = ?2";
    private const string InLane = "FROM queue INDEXED BY queue_lane WHERE state = 0 AND due = 0" + Here;
    private const string InFlow = "FROM queue INDEXED BY queue_flow WHERE state = 0 AND due > 0" + Here;

    internal const string Row = "SELECT lane, priority, due, flow FROM queue WHERE message = ?1 AND state = 0 AND due <= ?2";
    internal const string Weights =
        "SELECT w.flow, max(w.weight) FROM batch_weights w JOIN messages m ON m.tenant = w.tenant WHERE m.number = ?1 GROUP BY w.flow";
    internal const string AllFresh = "SELECT count(*) FROM (SELECT 1 " + InLane + " LIMIT ?3) l";
    internal const string AllDue =
        "SELECT count(*) FROM (SELECT 1 FROM queue INDEXED BY queue_due WHERE state = 0 AND due > 0" + Here + " AND due <= ?3 LIMIT ?4) l";
    internal const string Fresh = "SELECT count(*) FROM (SELECT 1 " + InLane + " AND flow = ?3 AND message < ?4 LIMIT ?5) l";
    internal const string Deferred =
        "SELECT count(*) FROM (SELECT 1 " + InFlow + " AND flow = ?3 AND (due, message) < (?4, ?5) LIMIT ?6) l";
    internal const string NextFresh = "SELECT min(flow) " + InLane + " AND flow > ?3";
    internal const string NextDeferred = "SELECT min(flow) " + InFlow + " AND flow > ?3";

    public static LanePosition? Of(Session session, long number, long now)
    {
        var row = session.Prepare(Row).Add(number).Add(now);
        if (!row.Step())
            return null;
        var (lane, own, due, flow) = (row.Long(0), row.Int(1), row.Long(2), row.Long(3));
        row.Reset();
        var weights = new Dictionary<long, int>();
        var weighs = session.Prepare(Weights).Add(number);
        while (weighs.Step())
            weights.Add(weighs.Long(0), weighs.Int(1));

        long ahead = 0;
        for (var priority = (int)Priority.Immediate; priority < own && ahead < Most; priority++)
        {
            ahead += session.Prepare(AllFresh).Add(lane).Add(priority).Add(Most).Scalar() ?? 0;
            ahead += session.Prepare(AllDue).Add(lane).Add(priority).Add(now).Add(Most).Scalar() ?? 0;
        }

        // Most lanes have fresh mail only, and then half of the questions need not be asked.
        var hasDeferred = session.Prepare(NextDeferred).Add(lane).Add(own).Add(-1L).Scalar() is not null;
        var isCut = false;
        if (ahead < Most)
        {
            var fresh = FreshOf(flow, due == 0 ? number : long.MaxValue, Most);
            var deferred = DeferredOf(flow, due == 0 ? (now, long.MaxValue) : (due, number), Most);
            // They go in turn, a fresh one first.
            var before = due == 0 ? fresh + Math.Min(deferred, fresh) : deferred + Math.Min(fresh, deferred + 1);
            ahead += before;
            var looked = 0;
            for (var other = NextOf(-1); other is { } batch && ahead < Most && !isCut; other = NextOf(batch))
            {
                if (batch != flow)
                    ahead += OthersOf(batch, (int)Math.Min(Most, Turns(before, batch < flow) * weights.GetValueOrDefault(batch, 1)));
                isCut = ++looked == MostBatches;
            }
        }

        return new(Math.Min(ahead, LanePosition.Most), isCut || ahead > LanePosition.Most);

        // As often the others have theirs.
        long Turns(long before, bool isEarlier) => (before / weights.GetValueOrDefault(flow, 1)) + (isEarlier ? 1 : 0);

        long FreshOf(long batch, long message, int most) =>
            session.Prepare(Fresh).Add(lane).Add(own).Add(batch).Add(message).Add(most).Scalar() ?? 0;

        long DeferredOf(long batch, (long Due, long Message) place, int most) =>
            hasDeferred
                ? session.Prepare(Deferred).Add(lane).Add(own).Add(batch).Add(place.Due).Add(place.Message).Add(most).Scalar() ?? 0
                : 0;

        long OthersOf(long batch, int most)
        {
            if (most == 0)
                return 0;
            var fresh = FreshOf(batch, long.MaxValue, most);
            return fresh >= most ? most : Math.Min(most, fresh + DeferredOf(batch, (now, long.MaxValue), most));
        }

        long? NextOf(long batch)
        {
            var fresh = session.Prepare(NextFresh).Add(lane).Add(own).Add(batch).Scalar();
            var deferred = hasDeferred ? session.Prepare(NextDeferred).Add(lane).Add(own).Add(batch).Scalar() : null;
            return fresh is null || deferred < fresh ? deferred : fresh;
        }
    }
}
