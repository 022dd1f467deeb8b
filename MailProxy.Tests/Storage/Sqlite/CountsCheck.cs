using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

/// <summary>Whether the counts that a store keeps are those that its rows have, counted the slow and plain way.</summary>
internal static class CountsCheck
{
    public static async Task CheckAsync(StoreDatabase database)
    {
        var kept = await database.Counts.ReadAsync();
        var (depth, ready, batches, keptBatches) = database.Readers.Snapshot(session =>
            (
                session.Query(
                    """
                    SELECT CASE q.state WHEN 2 THEN 2 ELSE m.state END AS state, q.priority, count(*)
                    FROM queue q JOIN messages m ON m.number = q.message GROUP BY 1, 2
                    """,
                    static row => KeyValuePair.Create(((MessageState)row.Int(0), (Priority)row.Int(1)), row.Long(2))
                ),
                session.Query(
                    "SELECT lane, priority, count(*) FROM queue WHERE state = 0 GROUP BY 1, 2",
                    static row => KeyValuePair.Create((new LaneKey(row.Int(0)), (Priority)row.Int(1)), row.Long(2))
                ),
                session.Query("SELECT tenant, batch, state, count(*) FROM messages WHERE batch IS NOT NULL GROUP BY 1, 2, 3", Batch),
                session.Query("SELECT tenant, batch, state, count FROM batch_counts", Batch)
            )
        );
        var counted = database.Readers.Snapshot(session => WaitingCounts.In(session));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(kept.Depth, Is.EquivalentTo(depth));
            Assert.That(kept.Ready, Is.EquivalentTo(ready));
            Assert.That(counted.Depth, Is.EquivalentTo(depth), "as a start counts");
            Assert.That(counted.Ready, Is.EquivalentTo(ready), "as a start counts");
            Assert.That(keptBatches, Is.EquivalentTo(batches));
        }
    }

    private static (string, string, int, long) Batch(Statement row) => (row.Text(0), row.Text(1), row.Int(2), row.Long(3));
}
