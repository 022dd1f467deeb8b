using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// How many messages that are not final there are by state and priority, as their rows say, and how much ready mail each lane has.
/// </summary>
internal sealed class WaitingCounts
{
    // Indexes only. What waits as usual is in no index of states, so it is what the queue has beside all else.
    private const string FreshSql =
        "SELECT lane, priority, count(*) FROM queue INDEXED BY queue_lane WHERE state = 0 AND due = 0 GROUP BY lane, priority";
    private const string DueSql =
        "SELECT lane, priority, count(*) FROM queue INDEXED BY queue_due WHERE state = 0 AND due > 0 GROUP BY lane, priority";
    private const string UnreadySql = "SELECT priority, count(*) FROM queue INDEXED BY queue_unready WHERE state <> 0 GROUP BY priority";
    private const string NotableSql =
        "SELECT state, priority, count(*) FROM messages INDEXED BY messages_notable WHERE state <> 0 AND state <> 10 AND state "
        + "IN (1, 2, 3, 4) GROUP BY state, priority";

    public Dictionary<(MessageState State, Priority Priority), long> Depth { get; } = [];

    public Dictionary<(LaneKey Lane, Priority Priority), long> Ready { get; } = [];

    /// <summary>Counts what a snapshot has. Reads the index entries of all that waits.</summary>
    /// <param name="goOn">Asked between two statements; it may throw.</param>
    public static WaitingCounts In(Session session, Action? goOn = null)
    {
        var all = new WaitingCounts();
        foreach (var sql in (string[])[FreshSql, DueSql])
        {
            var ready = session.Prepare(sql);
            while (ready.Step())
            {
                all.Add(new LaneKey(ready.Int(0)), (Priority)ready.Int(1), ready.Long(2));
                all.Add(MessageState.Queued, (Priority)ready.Int(1), ready.Long(2));
            }

            goOn?.Invoke();
        }

        var unready = session.Prepare(UnreadySql);
        while (unready.Step())
            all.Add(MessageState.Queued, (Priority)unready.Int(0), unready.Long(1));

        goOn?.Invoke();
        var notable = session.Prepare(NotableSql);
        while (notable.Step())
        {
            all.Add((MessageState)notable.Int(0), (Priority)notable.Int(1), notable.Long(2));
            all.Add(MessageState.Queued, (Priority)notable.Int(1), -notable.Long(2));
        }

        return all;
    }

    public void Add(MessageState state, Priority priority, long count) => Add(Depth, (state, priority), count);

    public void Add(LaneKey lane, Priority priority, long count) => Add(Ready, (lane, priority), count);

    public void Add(WaitingCounts other)
    {
        foreach (var (key, count) in other.Depth)
            Add(Depth, key, count);
        foreach (var (key, count) in other.Ready)
            Add(Ready, key, count);
    }

    // What is none is not there, so that two that are equal have the same entries.
    private static void Add<TKey>(Dictionary<TKey, long> counts, TKey key, long count)
        where TKey : notnull
    {
        var now = counts.GetValueOrDefault(key) + count;
        if (now == 0)
            counts.Remove(key);
        else
            counts[key] = now;
    }
}
