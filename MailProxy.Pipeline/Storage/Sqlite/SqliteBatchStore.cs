using MailProxy.Pipeline.Mail;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// Suspended batches: their ready mail is set aside in the queue (state 3). A trigger does that for new mail; existing mail is moved here
/// in
/// chunks, so that a large batch does not stall the writer.
/// </summary>
public sealed class SqliteBatchStore(SqliteDatabase database, TimeProvider clock) : IBatchStore
{
    private const int Chunk = 1_000;

    private const string Since = "SELECT since FROM suspended_batches WHERE tenant = @tenant AND batch = @batch";

    private readonly CommitLoop _writer = database.Writer;
    private readonly SqliteReaders _readers = database.Readers;

    public Task<BatchView?> BatchAsync(string tenant, string batch) =>
        _readers.ReadAsync(db =>
        {
            var since = db.QueryNumber(Since, ("@tenant", tenant), ("@batch", batch));
            var counts = Counts(db, tenant, batch);
            return since is null && counts.Count == 0 ? null : new BatchView(tenant, batch, since, counts);
        });

    public Task<(IReadOnlyList<BatchName> Batches, (string Batch, string Tenant)? Next)> ListAsync(
        string? tenant,
        (string Batch, string Tenant) after,
        int limit
    ) => _readers.SnapshotAsync(session => BatchNames.Of(session, tenant, after, limit));

    public Task<int> CountSuspendedAsync(string tenant) =>
        _readers.ReadAsync(db =>
            (int)db.QueryNumber("SELECT count(*) FROM suspended_batches WHERE tenant = @tenant", ("@tenant", tenant))!.Value
        );

    public async Task SetSuspendedAsync(string tenant, string batch, bool suspended, string actor)
    {
        await _writer.WriteAsync(db =>
        {
            var changed = suspended
                ? db.Run(
                    "INSERT OR IGNORE INTO suspended_batches (tenant, batch, since) VALUES (@tenant, @batch, @now)",
                    ("@tenant", tenant),
                    ("@batch", batch),
                    ("@now", Now)
                )
                : db.Run("DELETE FROM suspended_batches WHERE tenant = @tenant AND batch = @batch", ("@tenant", tenant), ("@batch", batch));
            if (changed > 0)
                AuditRows.Append(
                    db,
                    Now,
                    actor,
                    suspended ? "batch.suspend" : "batch.activate",
                    $"batch/{tenant}/{batch}",
                    suspended ? "false" : "true",
                    suspended ? "true" : "false"
                );
            return changed;
        });
        await MoveAsync(tenant, batch, suspended);
    }

    public async Task RepairAsync()
    {
        foreach (
            var (tenant, batch) in await _readers.ReadAsync(db =>
                db.Query("SELECT tenant, batch FROM suspended_batches", row => (row.GetString(0), row.GetString(1)))
            )
        )
        {
            await MoveAsync(tenant, batch, suspended: true);
        }

        while (await _writer.WriteAsync(FreeSome) == Chunk) { }
    }

    private List<(MessageState State, long Count)> Counts(SqliteConnection db, string tenant, string batch)
    {
        var counts = db.Query(
                "SELECT state, count(*) FROM messages INDEXED BY messages_batch WHERE batch = @batch AND tenant = @tenant GROUP BY state",
                row => ((MessageState)row.GetInt32(0), row.GetInt64(1)),
                ("@tenant", tenant),
                ("@batch", batch)
            )
            .ToDictionary(static count => count.Item1, static count => count.Item2);
        foreach (var ticket in database.Claims.Begun())
        {
            var state = db.QueryNumber(
                """
                SELECT m.state FROM queue q JOIN messages m ON m.number = q.message
                WHERE q.message = @message AND q.attempt = @attempt AND m.batch = @batch AND m.tenant = @tenant
                """,
                ("@message", ticket.Message),
                ("@attempt", ticket.Attempt),
                ("@tenant", tenant),
                ("@batch", batch)
            );
            if (state is not { } stored)
                continue;
            counts[(MessageState)stored] = counts.GetValueOrDefault((MessageState)stored) - 1;
            counts[MessageState.Sending] = counts.GetValueOrDefault(MessageState.Sending) + 1;
        }

        return [.. counts.Where(static count => count.Value > 0).OrderBy(static count => count.Key).Select(static c => (c.Key, c.Value))];
    }

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private async Task MoveAsync(string tenant, string batch, bool suspended)
    {
        long? last = 0;
        while (last is not null)
            last = await _writer.WriteAsync(db => Move(db, tenant, batch, suspended, last.Value));
    }

    /// <summary>The last message looked at; null: there are no more.</summary>
    private long? Move(SqliteConnection db, string tenant, string batch, bool suspended, long after)
    {
        const string Some =
            "SELECT number FROM messages INDEXED BY messages_batch WHERE batch = @batch AND tenant = @tenant AND number > @after "
            + "ORDER BY number LIMIT @chunk";
        ReadOnlySpan<(string, object?)> named = [("@tenant", tenant), ("@batch", batch), ("@after", after), ("@chunk", Chunk)];
        var last = db.QueryNumber($"SELECT max(number) FROM ({Some})", named);
        if (last is null)
            return null;
        if (suspended)
            Withdraw(db, named, Some);
        db.Run(
            $"UPDATE queue SET state = @to WHERE state = @from AND message IN ({Some})",
            [.. named, ("@from", suspended ? QueueRows.Ready : QueueRows.Aside), ("@to", suspended ? QueueRows.Aside : QueueRows.Ready)]
        );
        return last;
    }

    // What has been chosen goes back. What has begun goes on: when it comes back to the queue the trigger puts it aside.
    private void Withdraw(SqliteConnection db, ReadOnlySpan<(string, object?)> named, string some)
    {
        var ready = db.Query(
            $"SELECT message, revision, attempt FROM queue WHERE state = {QueueRows.Ready} AND message IN ({some})",
            row => (row.GetInt64(0), row.GetInt32(1), row.GetInt32(2)),
            named
        );
        foreach (var (message, revision, attempt) in ready)
            database.Claims.TryWithdraw(message, revision, attempt);
    }

    // Mail that an activation did not come to.
    private static int FreeSome(SqliteConnection db) =>
        db.Run(
            """
            UPDATE queue SET state = 0 WHERE message IN (
                SELECT q.message FROM queue q INDEXED BY queue_unready CROSS JOIN messages m ON m.number = q.message
                WHERE q.state <> 0 AND q.state = 3 AND NOT EXISTS (SELECT 1 FROM suspended_batches s WHERE s.tenant = m.tenant AND s.batch
                = m.batch) LIMIT @chunk)
            """,
            ("@chunk", Chunk)
        );
}
