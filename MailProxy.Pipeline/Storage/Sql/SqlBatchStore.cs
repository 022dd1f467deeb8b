using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Suspended batches: their ready mail is set aside in the queue (state 3). A trigger does that for new mail; existing mail is moved here
/// in
/// chunks, so that a large batch does not stall the writer.
/// </summary>
public sealed class SqlBatchStore(StoreDatabase database, TimeProvider clock) : IBatchStore
{
    private const int Chunk = 1_000;

    private const string Since = "SELECT since FROM suspended_batches WHERE tenant = ?1 AND batch = ?2";

    private readonly CommitLoop _writer = database.Writer;
    private readonly StoreReaders _readers = database.Readers;

    public Task<BatchView?> BatchAsync(string tenant, string batch) =>
        _readers.SnapshotAsync(session =>
        {
            var since = session.QueryNumber(Since, tenant, batch);
            var counts = Counts(session, tenant, batch);
            var weight = BatchWeightRows.Of(session, tenant, batch);
            return since is null && counts.Count == 0 && weight == 1 ? null : new BatchView(tenant, batch, since, counts, weight);
        });

    public Task<(IReadOnlyList<BatchName> Batches, (string Batch, string Tenant)? Next)> ListAsync(
        string? tenant,
        (string Batch, string Tenant) after,
        int limit
    ) => _readers.SnapshotAsync(session => BatchNames.Of(session, tenant, after, limit));

    public Task<int> CountSuspendedAsync(string tenant) =>
        _readers.ReadAsync(session => (int)session.QueryNumber("SELECT count(*) FROM suspended_batches WHERE tenant = ?1", tenant)!.Value);

    public async Task SetSuspendedAsync(string tenant, string batch, bool suspended, string actor)
    {
        await _writer.WriteAsync(session =>
        {
            var changed = suspended
                ? session.Run(
                    "INSERT INTO suspended_batches (tenant, batch, since) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                    tenant,
                    batch,
                    Now
                )
                : session.Run("DELETE FROM suspended_batches WHERE tenant = ?1 AND batch = ?2", tenant, batch);
            if (changed > 0)
                AuditRows.Append(
                    session,
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

    public Task<bool> SetWeightAsync(string tenant, string batch, int weight, string actor) =>
        _writer.WriteAsync(session => BatchWeightRows.Set(session, tenant, batch, weight, actor, Now));

    public Task<IReadOnlyList<BatchWeight>> WeightsAsync(string? tenant) =>
        _readers.ReadAsync(session => (IReadOnlyList<BatchWeight>)BatchWeightRows.All(session, tenant));

    public async Task RepairAsync()
    {
        await _writer.WriteAsync(session => BatchWeightRows.ForgetIdle(session, null, Now));
        foreach (
            var (tenant, batch) in await _readers.ReadAsync(session =>
                session.Query("SELECT tenant, batch FROM suspended_batches", row => (row.Text(0), row.Text(1)))
            )
        )
        {
            await MoveAsync(tenant, batch, suspended: true);
        }

        while (await _writer.WriteAsync(FreeSome) == Chunk) { }
    }

    private List<(MessageState State, long Count)> Counts(Session session, string tenant, string batch)
    {
        var counts = session
            .Query(
                "SELECT state, count FROM batch_counts WHERE tenant = ?1 AND batch = ?2",
                static row => ((MessageState)row.Int(0), row.Long(1)),
                tenant,
                batch
            )
            .ToDictionary(static count => count.Item1, static count => count.Item2);
        foreach (var ticket in database.Claims.Begun(session))
        {
            var state = session.QueryNumber(
                """
                SELECT m.state FROM queue q JOIN messages m ON m.number = q.message
                WHERE q.message = ?1 AND q.attempt = ?2 AND m.tenant = ?3 AND m.batch = ?4
                """,
                ticket.Message,
                ticket.Attempt,
                tenant,
                batch
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
            last = await _writer.WriteAsync(session => Move(session, tenant, batch, suspended, last.Value));
    }

    /// <summary>The last message that was looked at; null when there are no more.</summary>
    private long? Move(Session session, string tenant, string batch, bool suspended, long after)
    {
        // Somebody may have decided otherwise meanwhile, perhaps at another node; who did so moves the mail.
        if (IsSuspended(session, tenant, batch) != suspended)
            return null;
        const string Some =
            "SELECT number FROM messages INDEXED BY messages_batch WHERE tenant = ?1 AND batch = ?2 AND number > ?3 "
            + "ORDER BY number LIMIT ?4";
        object?[] some = [tenant, batch, after, Chunk];
        var last = session.QueryNumber($"SELECT max(number) FROM ({Some}) slice", some);
        if (last is null)
            return null;
        if (suspended)
            Withdraw(session, Some, some);
        var (from, to) = suspended ? (QueueRows.Ready, QueueRows.Aside) : (QueueRows.Aside, QueueRows.Ready);
        session.Run($"UPDATE queue SET state = ?5 WHERE state = ?6 AND message IN ({Some})", [.. some, to, from]);
        return last;
    }

    private static bool IsSuspended(Session session, string tenant, string batch) =>
        session.QueryNumber("SELECT 1 FROM suspended_batches WHERE tenant = ?1 AND batch = ?2", tenant, batch) is not null;

    // What has been chosen goes back. What has begun goes on: when it comes back to the queue the trigger sets it aside.
    private void Withdraw(Session session, string sql, object?[] some)
    {
        var ready = session.Query(
            $"SELECT message, revision, attempt FROM queue WHERE state = {QueueRows.Ready} AND message IN ({sql})",
            static row => (row.Long(0), row.Int(1), row.Int(2)),
            some
        );
        foreach (var (message, revision, attempt) in ready)
            database.Claims.TryWithdraw(message, revision, attempt);
    }

    // Frees mail that an interrupted activation did not reach.
    private static int FreeSome(Session session) =>
        session.Run(
            """
            UPDATE queue SET state = 0 WHERE message IN (
                SELECT q.message FROM queue q INDEXED BY queue_unready CROSS JOIN messages m ON m.number = q.message
                WHERE q.state <> 0 AND q.state = 3 AND NOT EXISTS (SELECT 1 FROM suspended_batches s WHERE s.tenant = m.tenant AND s.batch
                = m.batch) LIMIT ?1)
            """,
            Chunk
        );
}
