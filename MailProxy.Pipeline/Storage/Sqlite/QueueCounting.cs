using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sqlite.Flight;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// Counts what waits. Joining the queue with its messages would read them all; so ready mail is counted in the lane index, the deferred
/// and
/// scheduled part of it in the index of notable states, and the difference is queued.
/// </summary>
internal static class QueueCounting
{
    internal const string Ready = """
        SELECT lane, priority, count(*),
               min(CASE WHEN due > 0 THEN due END), min(CASE WHEN due = 0 THEN message END),
               sum(CASE WHEN due = 0 THEN message <= ?1 ELSE due <= ?2 END)
        FROM queue INDEXED BY queue_lane WHERE state = 0 AND message NOT IN (SELECT value FROM json_each(?3))
        GROUP BY lane, priority
        """;

    internal const string Waiting =
        "SELECT state, priority, count(*) FROM messages INDEXED BY messages_notable WHERE state <> 0 AND state <> 10 AND state "
        + "IN (1, 4) GROUP BY state, priority";

    private const string Held = """
        SELECT m.state, q.priority, count(*)
        FROM queue q INDEXED BY queue_unready CROSS JOIN messages m ON m.number = q.message WHERE q.state <> 0 AND q.state = 2
        GROUP BY m.state, q.priority
        """;

    // One whose body has begun is still queued, deferred or scheduled in its message.
    private const string Sending =
        "SELECT m.state, q.priority, q.state FROM queue q JOIN messages m ON m.number = q.message WHERE q.message = ?1 AND q.attempt = ?2";

    // Set aside with their batch, perhaps many; what they are besides is in the index of notable states.
    private const string Aside =
        "SELECT priority, count(*) FROM queue INDEXED BY queue_unready WHERE state <> 0 AND state = 3 GROUP BY priority";

    private const string CreatedAt = "SELECT created_at FROM messages WHERE number = ?1";
    private const string NumberAtMost = "SELECT max(number) FROM messages WHERE number <= ?1";

    /// <param name="begun">The attempts whose bodies have begun.</param>
    public static QueueCounts Count(Session session, IReadOnlyList<TicketName> begun, long now)
    {
        var depth = new Dictionary<(MessageState State, Priority Priority), long>();
        void Add(MessageState state, Priority priority, long count) =>
            depth[(state, priority)] = depth.GetValueOrDefault((state, priority)) + count;

        var oldest = new Dictionary<LaneKey, (long? Due, long? Fresh)>();
        var overdue = new Dictionary<LaneKey, long>();
        var sending = new List<long>();
        foreach (var ticket in begun)
        {
            var row = session.Prepare(Sending).Add(ticket.Message).Add(ticket.Attempt);
            if (!row.Step())
                continue;
            sending.Add(ticket.Message);
            var (stored, priority, isAside) = ((MessageState)row.Int(0), (Priority)row.Int(1), row.Int(2) == QueueRows.Aside);
            row.Reset();
            Add(MessageState.Sending, priority, 1);

            // Below it is counted by its message's state, and by its row when that is set aside.
            Add(stored, priority, stored is MessageState.Scheduled or MessageState.Deferred || isAside ? -1 : 0);
            Add(MessageState.Queued, priority, stored is MessageState.Scheduled or MessageState.Deferred && !isAside ? 1 : 0);
        }

        var ready = session
            .Prepare(Ready)
            .Add(LastCreatedBy(session, now - QueueCounts.OverdueAfter))
            .Add(now - QueueCounts.OverdueAfter)
            .Add($"[{string.Join(',', sending)}]");
        while (ready.Step())
        {
            Add(MessageState.Queued, (Priority)ready.Int(1), ready.Long(2));
            var lane = new LaneKey(ready.Int(0));
            var known = oldest.GetValueOrDefault(lane);
            oldest[lane] = (Earlier(known.Due, ready.LongOrNull(3)), Earlier(known.Fresh, ready.LongOrNull(4)));
            if (ready.Long(5) is > 0 and var late)
                overdue[lane] = overdue.GetValueOrDefault(lane) + late;
        }

        var waiting = session.Prepare(Waiting);
        while (waiting.Step())
        {
            Add((MessageState)waiting.Int(0), (Priority)waiting.Int(1), waiting.Long(2));
            Add(MessageState.Queued, (Priority)waiting.Int(1), -waiting.Long(2));
        }

        var aside = session.Prepare(Aside);
        while (aside.Step())
            Add(MessageState.Queued, (Priority)aside.Int(0), aside.Long(1));

        var held = session.Prepare(Held);
        while (held.Step())
        {
            var (stored, priority, count) = ((MessageState)held.Int(0), (Priority)held.Int(1), held.Long(2));
            Add(MessageState.Held, priority, count);
            if (stored is not (MessageState.Scheduled or MessageState.Deferred))
                continue;
            Add(stored, priority, -count);
            Add(MessageState.Queued, priority, count);
        }

        List<(LaneKey Lane, long Due)> due = [];
        foreach (var (lane, first) in oldest)
        {
            var at = first.Fresh is { } message ? Earlier(first.Due, session.Prepare(CreatedAt).Add(message).Scalar()) : first.Due;
            if (at <= now)
                due.Add((lane, at.Value));
        }

        return new(
            [.. depth.Where(d => d.Value != 0).Select(d => (d.Key.State, d.Key.Priority, d.Value))],
            due.Count == 0 ? null : due.Min(first => first.Due),
            overdue.Values.Sum()
        )
        {
            OldestDueByLane = due,
            OverdueByLane = [.. overdue.Select(o => (o.Key, o.Value))],
        };
    }

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
