namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>The audit log in the audit table.</summary>
public sealed class SqliteAuditLog(SqliteDatabase database, TimeProvider clock) : IAuditLog
{
    private readonly CommitLoop _writer = database.Writer;
    private readonly SqliteReaders _readers = database.Readers;

    public Task AppendAsync(string actor, string action, string subject, string? detail) =>
        _writer.WriteAsync(db =>
        {
            AuditRows.Append(db, clock.GetUtcNow().ToUnixTimeMilliseconds(), actor, action, subject, null, detail);
            return true;
        });

    public Task<IReadOnlyList<AuditEntry>> ReadAsync(long after, int limit) =>
        _readers.ReadAsync<IReadOnlyList<AuditEntry>>(db =>
            db.Query(
                "SELECT number, at, actor, action, object, before, after FROM audit WHERE number > @after ORDER BY number LIMIT @limit",
                row => new AuditEntry(
                    row.GetInt64(0),
                    row.GetInt64(1),
                    row.GetString(2),
                    row.GetString(3),
                    row.GetString(4),
                    row.TextOrNull(5),
                    row.TextOrNull(6)
                ),
                ("@after", after),
                ("@limit", limit)
            )
        );
}
