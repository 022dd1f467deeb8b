namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>The audit log in the audit table.</summary>
public sealed class SqlAuditLog(StoreDatabase database, TimeProvider clock) : IAuditLog
{
    private readonly CommitLoop _writer = database.Writer;
    private readonly StoreReaders _readers = database.Readers;

    public Task AppendAsync(string actor, string action, string subject, string? detail) =>
        _writer.WriteAsync(session =>
        {
            AuditRows.Append(session, clock.GetUtcNow().ToUnixTimeMilliseconds(), actor, action, subject, null, detail);
            return true;
        });

    public Task<IReadOnlyList<AuditEntry>> ReadAsync(long after, int limit) => ReadAsync("number > ?1 ORDER BY number", after, limit);

    public Task<IReadOnlyList<AuditEntry>> ReadBackAsync(long before, int limit) =>
        ReadAsync("number < ?1 ORDER BY number DESC", before, limit);

    private Task<IReadOnlyList<AuditEntry>> ReadAsync(string which, long place, int limit) =>
        _readers.ReadAsync<IReadOnlyList<AuditEntry>>(session =>
            session.Query(
                $"SELECT number, at, actor, action, object, before, after FROM audit WHERE {which} LIMIT ?2",
                row => new AuditEntry(
                    row.Long(0),
                    row.Long(1),
                    row.Text(2),
                    row.Text(3),
                    row.Text(4),
                    row.TextOrNull(5),
                    row.TextOrNull(6)
                ),
                place,
                limit
            )
        );
}
