using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>What an edge of another program's contract keeps, in tables of its own.</summary>
public sealed class SqlCompatStore(StoreDatabase database, SpoolFiles spool, SecretBox box, TimeProvider clock) : ICompatStore
{
    // Commands of one tenant that are kept, and how often the older ones are dropped.
    private const int MostCommands = 2_000,
        DropEvery = 100;

    private const int Slice = 1_000;

    private const string Find = "SELECT document FROM compat_documents WHERE tenant = ?1 AND kind = ?2 AND id = ?3";

    private const string Commands = "SELECT id, at, endpoint, tenant, payload, status FROM compat_commands";

    private readonly CommitLoop _writer = database.Writer;
    private readonly StoreReaders _readers = database.Readers;

    public Task<string?> DocumentAsync(string tenant, string kind, string id) =>
        _readers.ReadAsync(session => Document(session, tenant, kind, id));

    public Task<IReadOnlyDictionary<string, string>> DocumentsAsync(string tenant, string kind) =>
        _readers.ReadAsync<IReadOnlyDictionary<string, string>>(session =>
            session
                .Query(
                    "SELECT id, document FROM compat_documents WHERE tenant = ?1 AND kind = ?2",
                    static row => (Id: row.Text(0), Document: row.Blob(1)),
                    tenant,
                    kind
                )
                .ToDictionary(static row => row.Id, row => box.Open(row.Document, OwnerOf(tenant, kind, row.Id)), StringComparer.Ordinal)
        );

    public Task KeepAsync(string tenant, string kind, string id, string? document) =>
        _writer.WriteAsync(session => Keep(session, tenant, kind, id, document));

    /// <summary>A document inside a write.</summary>
    internal string? Document(Session session, string tenant, string kind, string id) =>
        session.QueryFirst(Find, static row => row.Blob(0), tenant, kind, id) is { } found
            ? box.Open(found, OwnerOf(tenant, kind, id))
            : null;

    /// <summary>Keeps a document inside a write.</summary>
    internal int Keep(Session session, string tenant, string kind, string id, string? document) =>
        document is null
            ? session.Run("DELETE FROM compat_documents WHERE tenant = ?1 AND kind = ?2 AND id = ?3", tenant, kind, id)
            : session.Run(
                """
                INSERT INTO compat_documents (tenant, kind, id, document) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (tenant, kind, id) DO UPDATE SET document = excluded.document
                """,
                tenant,
                kind,
                id,
                box.Seal(document, OwnerOf(tenant, kind, id))
            );

    public Task AppendCommandAsync(CompatCommand command) => _writer.WriteAsync(session => Append(session, command));

    /// <summary>Notes a command inside a write.</summary>
    internal static long? Append(Session session, CompatCommand command)
    {
        var id = session.QueryNumber(
            "INSERT INTO compat_commands (at, endpoint, tenant, payload, status) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id",
            command.At,
            command.Endpoint,
            command.Tenant,
            command.Payload,
            (long)command.Status
        );
        if (id % DropEvery == 0)
        {
            session.Run(
                """
                DELETE FROM compat_commands WHERE tenant IS NOT DISTINCT FROM ?1 AND id <=
                    (SELECT id FROM compat_commands WHERE tenant IS NOT DISTINCT FROM ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
                """,
                command.Tenant,
                (long)MostCommands
            );
        }

        return id;
    }

    public Task<IReadOnlyList<CompatCommand>> CommandsAsync(CompatCommandFilter filter, int limit, long offset = 0) =>
        _readers.ReadAsync<IReadOnlyList<CompatCommand>>(session =>
            session.Query(
                $"""
                {Commands}
                WHERE (tenant = ?1 OR ?1 IS NULL) AND (instr(endpoint, ?2) > 0 OR ?2 IS NULL)
                    AND (at >= ?3 OR ?3 IS NULL) AND (at <= ?4 OR ?4 IS NULL)
                ORDER BY id LIMIT ?5 OFFSET ?6
                """,
                Command,
                filter.Tenant,
                filter.Endpoint,
                filter.Since,
                filter.Until,
                (long)limit,
                offset
            )
        );

    public Task<CompatCommand?> CommandAsync(long id) =>
        _readers.ReadAsync(session => session.QueryFirst(Commands + " WHERE id = ?1", Command, id));

    public Task<int> ForgetCommandsAsync(long before) =>
        _writer.WriteAsync(session => session.Run("DELETE FROM compat_commands WHERE at < ?1", before));

    public Task<IReadOnlyList<long>> MessagesAsync(string? tenant, bool activeOnly) =>
        _readers.ReadAsync<IReadOnlyList<long>>(session => CompatRows.Numbers(session, tenant, activeOnly));

    public Task<long?> NumberAsync(string tenant, string id) => _readers.ReadAsync(session => CompatRows.Number(session, tenant, id));

    public async Task<CompatMessage?> MessageAsync(long number, string? historyOf)
    {
        var (found, file) = await _readers.SnapshotAsync(session => CompatRows.Read(session, database.Claims, number, historyOf));
        if (found is null || file is null)
            return found;
        try
        {
            return found with { Json = (await spool.ReadAsync(file)).Json };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return found; // replaced or purged meanwhile, or lost: what there is of it is shown
        }
    }

    public Task<long> CountPendingAsync(string? tenant, string? batch) =>
        _readers.ReadAsync(session =>
            session.QueryNumber(
                tenant is null ? "SELECT count(*) FROM queue"
                    : batch is null ? "SELECT count(*) FROM messages INDEXED BY messages_tenant WHERE tenant = ?1 AND state < 10"
                    : "SELECT coalesce(sum(count), 0) FROM batch_counts WHERE tenant = ?1 AND batch = ?2 AND state < 10",
                tenant is null ? []
                    : batch is null ? [tenant]
                    : [tenant, batch]
            ) ?? 0
        );

    public Task<IReadOnlyList<string>> SuspendedBatchesAsync(string tenant) =>
        _readers.ReadAsync<IReadOnlyList<string>>(session =>
            session.Query("SELECT batch FROM suspended_batches WHERE tenant = ?1 ORDER BY batch", static row => row.Text(0), tenant)
        );

    public Task<IReadOnlyDictionary<string, (long CreatedAt, long UpdatedAt)>> AccountTimesAsync(string tenant) =>
        _readers.ReadAsync<IReadOnlyDictionary<string, (long, long)>>(session =>
            session
                .Query(
                    "SELECT id, created_at, updated_at FROM accounts WHERE tenant = ?1 AND deleted_at IS NULL",
                    static row => (Id: row.Text(0), Times: (row.Long(1), row.Long(2))),
                    tenant
                )
                .ToDictionary(static row => row.Id, static row => row.Times, StringComparer.Ordinal)
        );

    public async Task<IReadOnlyList<CompatRemoval>> RemoveAsync(string tenant, IReadOnlyList<string> ids, string actor)
    {
        var ends = new List<CompatRemoval>(ids.Count);
        foreach (var some in ids.Chunk(Slice / 10))
        {
            var files = new List<string>();
            ends.AddRange(await _writer.WriteAsync(session => some.Select(id => Remove(session, new(tenant, id), actor, files)).ToArray()));

            // The rows that named the files are deleted for good; a file that survives a crash here is swept at the next start.
            files.ForEach(spool.Delete);
        }

        return ends;
    }

    public async Task<int> RemovePendingAsync(string tenant, string actor)
    {
        var (busy, last) = (0, (long?)0);
        while (last is { } after)
        {
            var some = await _readers.ReadAsync(session => CompatRows.Pending(session, tenant, after, Slice / 10));
            var ends = await RemoveAsync(tenant, [.. some.Select(static one => one.Id)], actor);
            busy += ends.Count(static end => end == CompatRemoval.Busy);
            last = some.Count == 0 ? null : some[^1].Number;
        }

        return busy;
    }

    public Task<IReadOnlyList<(long Number, string Id)>> WaitingAsync(AccountKey account, long after, int limit) =>
        _readers.ReadAsync<IReadOnlyList<(long, string)>>(session => CompatRows.Waiting(session, account, after, limit));

    public async Task<int> HideReportedAsync(string tenant, string webhook, long before)
    {
        var through = await _readers.ReadAsync(session => AcknowledgementRows.Through(session, tenant, webhook, before));
        var (hidden, last) = (0, through == 0 ? null : (long?)0);
        while (last is { } after)
        {
            // Looked for beside the writer: what was hidden before is walked over again by each cleanup.
            (var some, last) = await _readers.ReadAsync(session => CompatRows.ReportedAfter(session, tenant, through, after, Slice));
            if (some.Count > 0)
                hidden += await _writer.WriteAsync(session => CompatRows.HideAll(session, some));
        }

        return hidden;
    }

    // As a person cancels it, and then without a trace but in the audit log.
    private CompatRemoval Remove(Session session, MessageKey key, string actor, List<string> files)
    {
        if (MessageViews.Find(session, key) is not { } number)
            return CompatRemoval.NotFound;
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var ended = new ChangeWriter(_writer.Events, database.Claims).Change(session, key, new MessageChange.Cancel(), actor, now);
        if (ended is ChangeResult.Conflict { State: MessageState.Sending })
            return CompatRemoval.Busy;
        CompatRows.Delete(session, number, files);
        AuditRows.Append(session, now, actor, "message.delete", $"message/{key.Tenant}/{key.Id}", null, null);
        return CompatRemoval.Removed;
    }

    private static CompatCommand Command(Statement row) =>
        new(row.Long(0), row.Long(1), row.Text(2), row.TextOrNull(3), row.Text(4), row.Int(5));

    private static string OwnerOf(string tenant, string kind, string id) => $"compat/{tenant}/{kind}/{id}";
}
