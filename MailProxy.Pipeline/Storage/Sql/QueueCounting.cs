using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Tells what waits, from counts that are kept; and since when, by a few look-ups in the lane index for each lane that has ready mail. Only
/// what is overdue without a reason is counted, up to a bound.
/// </summary>
internal static class QueueCounting
{
    private const string Lane = " AND lane = ?1 AND priority = ?2";
    private const string Plain = "FROM queue INDEXED BY queue_lane WHERE state = 0 AND due = 0 AND flow = 0" + Lane;
    private const string InBatch = "FROM queue INDEXED BY queue_age WHERE state = 0 AND due = 0 AND flow <> 0" + Lane;
    private const string Deferred = "FROM queue INDEXED BY queue_due WHERE state = 0 AND due > 0" + Lane;

    internal const string FirstPlain = "SELECT message " + Plain + " ORDER BY message";
    internal const string FirstInBatch = "SELECT message " + InBatch + " ORDER BY message";
    internal const string FirstDue = "SELECT message, due " + Deferred + " ORDER BY due, message";
    internal const string LatePlain = "SELECT count(*) FROM (SELECT 1 " + Plain + " AND message <= ?3 LIMIT ?4) l";
    internal const string LateInBatch = "SELECT count(*) FROM (SELECT 1 " + InBatch + " AND message <= ?3 LIMIT ?4) l";
    internal const string LateDue = "SELECT count(*) FROM (SELECT 1 " + Deferred + " AND due <= ?3 LIMIT ?4) l";

    // One whose body has begun is still queued, deferred or scheduled in its message, and ready or set aside in its row.
    private const string Sending = """
        SELECT m.state, q.priority, q.state, q.lane, q.due FROM queue q JOIN messages m ON m.number = q.message
        WHERE q.message = ?1 AND q.attempt = ?2
        """;

    private const string CreatedAt = "SELECT created_at FROM messages WHERE number = ?1";
    private const string NumberAtMost = "SELECT max(number) FROM messages WHERE number <= ?1";

    /// <param name="kept">As of a commit that is not newer than the session's snapshot.</param>
    /// <param name="begun">The attempts whose bodies have begun.</param>
    /// <param name="isExcused">Lanes whose mail is not overdue; null: none.</param>
    public static QueueCounts Count(
        Session session,
        WaitingCounts kept,
        IReadOnlyList<TicketName> begun,
        long now,
        Func<LaneKey, bool>? isExcused = null
    )
    {
        var sending = ReadSending(session, kept, begun);
        var late = now - QueueCounts.OverdueAfter;
        var lastLate = LastCreatedBy(session, late);
        var left = QueueCounts.MostOverdue;
        var oldest = new Dictionary<LaneKey, (long? Due, long? Fresh)>();
        var overdue = new Dictionary<LaneKey, long>();
        foreach (var (lane, priority) in kept.Ready.Keys)
        {
            var fresh = Earlier(
                First(session.PrepareLong(FirstPlain).Add(lane.Number).Add((long)priority), 0, sending),
                First(session.PrepareLong(FirstInBatch).Add(lane.Number).Add((long)priority), 0, sending)
            );
            var due = First(session.PrepareLong(FirstDue).Add(lane.Number).Add((long)priority), 1, sending);
            var known = oldest.GetValueOrDefault(lane);
            oldest[lane] = (Earlier(known.Due, due), Earlier(known.Fresh, fresh));
            if ((fresh <= lastLate || due <= late) && left > 0 && isExcused?.Invoke(lane) is not true)
            {
                var mine = sending.Where(s => (s.Value.Lane, s.Value.Priority) == (lane, priority)).ToList();
                var lateFresh =
                    Late(session, LatePlain, lane, priority, lastLate, left + mine.Count)
                    + Late(session, LateInBatch, lane, priority, lastLate, left + mine.Count);
                var lateDue = Late(session, LateDue, lane, priority, late, left + mine.Count);
                var count =
                    Math.Min(left, lateFresh - mine.Count(s => s.Value.Due == 0 && s.Key <= lastLate))
                    + Math.Min(left, lateDue - mine.Count(s => s.Value.Due > 0 && s.Value.Due <= late));
                overdue[lane] = overdue.GetValueOrDefault(lane) + count;
                left -= (int)count;
            }
        }

        List<(LaneKey Lane, long Due)> waited = [];
        foreach (var (lane, first) in oldest)
        {
            var at = first.Fresh is { } message ? Earlier(first.Due, session.Prepare(CreatedAt).Add(message).Scalar()) : first.Due;
            if (at <= now)
                waited.Add((lane, at.Value));
        }

        return new(
            [.. kept.Depth.Where(d => d.Value > 0).Select(d => (d.Key.State, d.Key.Priority, d.Value))],
            waited.Count == 0 ? null : waited.Min(first => first.Due),
            overdue.Values.Sum()
        )
        {
            OldestDueByLane = waited,
            OverdueByLane = [.. overdue.Select(o => (o.Key, o.Value))],
        };
    }

    /// <summary>Those that are still open, counted as what they are now and not as what their rows say.</summary>
    private static Dictionary<long, (LaneKey Lane, Priority Priority, long Due)> ReadSending(
        Session session,
        WaitingCounts kept,
        IReadOnlyList<TicketName> begun
    )
    {
        var ready = new Dictionary<long, (LaneKey, Priority, long)>();
        foreach (var ticket in begun)
        {
            var row = session.Prepare(Sending).Add(ticket.Message).Add(ticket.Attempt);
            if (!row.Step())
                continue;
            var (stored, priority) = ((MessageState)row.Int(0), (Priority)row.Int(1));
            if (row.Int(2) == QueueRows.Ready)
                ready[ticket.Message] = (new(row.Int(3)), priority, row.Long(4));
            row.Reset();
            kept.Add(stored, priority, -1);
            kept.Add(MessageState.Sending, priority, 1);
        }

        return ready;
    }

    /// <summary>A column of the first row that is not being sent; what is being sent is at the head.</summary>
    private static long? First(Statement row, int column, Dictionary<long, (LaneKey, Priority, long)> sending)
    {
        long? found = null;
        while (found is null && row.Step())
            found = sending.ContainsKey(row.Long(0)) ? null : row.Long(column);
        row.Reset();
        return found;
    }

    private static long Late(Session session, string sql, LaneKey lane, Priority priority, long until, int most) =>
        session.Prepare(sql).Add(lane.Number).Add((long)priority).Add(until).Add(most).Scalar() ?? 0;

    /// <summary>
    /// The newest message created by that time. Numbers and times rise together, except when the clock is set, which a gauge may ignore.
    /// </summary>
    private static long LastCreatedBy(Session session, long time)
    {
        long low = 0,
            high = session.Prepare(NumberAtMost).Add(long.MaxValue).Scalar() ?? 0;
        while (low < high)
        {
            var middle = low + (high - low + 1) / 2;
            var there = session.Prepare(NumberAtMost).Add(middle).Scalar();
            if (there is null || session.Prepare(CreatedAt).Add(there.Value).Scalar() <= time)
                low = middle;
            else
                high = there.Value - 1;
        }

        return low;
    }

    private static long? Earlier(long? one, long? other) => one is null || other < one ? other : one;
}
