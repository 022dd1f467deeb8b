using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Operations on SQLite.</summary>
public sealed class SqlOperationStore(StoreDatabase database) : IOperationStore
{
    private const string Columns = """
        SELECT number, tenant, id, action, search, details, asked_at, through, expected, actor, created_at, state, cursor, changed, refused,
               ended_at, undoes, undone_by, trouble
        FROM operations
        """;

    private const string One = Columns + " WHERE tenant = ?1 AND id = ?2";
    private const string Running = Columns + " WHERE state = 0 ORDER BY number";
    private const string OfTenant = Columns + " WHERE tenant = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3";
    private const string OfAny = Columns + " WHERE number < ?1 AND tenant <> '' ORDER BY number DESC LIMIT ?2";

    private const string Insert = """
        INSERT INTO operations (tenant, id, action, search, details, asked_at, through, expected, actor, created_at, cursor, undoes)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING
        """;

    private const string Advance = """
        UPDATE operations SET cursor = ?2, changed = changed + ?3, refused = refused + ?4, state = ?5, ended_at = ?6 WHERE number = ?1
        """;

    private const string Keep = "INSERT INTO operation_changes (operation, message, before) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";

    private const string Kept = """
        SELECT c.message, m.tenant, m.id, c.before FROM operation_changes c CROSS JOIN messages m ON m.number = c.message
        WHERE c.operation = ?1 AND c.message < ?2 ORDER BY c.message DESC LIMIT ?3
        """;

    // By the operations that ended, and not by what they changed: those are few.
    private const string ForgetChanges = """
        DELETE FROM operation_changes WHERE (operation, message) IN (
            SELECT c.operation, c.message FROM operations o INDEXED BY operations_ended
            CROSS JOIN operation_changes c ON c.operation = o.number
            WHERE o.ended_at < ?1 AND NOT EXISTS (SELECT 1 FROM operations u WHERE u.undoes = o.number AND u.state = 0) LIMIT ?2)
        """;

    private const string ForgetOld = """
        DELETE FROM operations WHERE number IN (
            SELECT o.number FROM operations o INDEXED BY operations_ended
            WHERE o.ended_at < ?1 AND NOT EXISTS (SELECT 1 FROM operation_changes c WHERE c.operation = o.number) LIMIT ?2)
        """;

    // No tenant is called so: nobody finds it any more, and what it kept goes by and by. One that runs ends.
    private const string AbandonSql = """
        UPDATE operations SET tenant = '', id = id || '/' || number, search = '', state = max(state, 2), ended_at = 0
        WHERE number IN (SELECT number FROM operations WHERE tenant = ?1 AND (?2 = 0 OR state <> 0) ORDER BY number DESC
            LIMIT 9223372036854775807 OFFSET ?2)
        """;

    // Ended operations of a tenant that are kept.
    private const int MostKept = 1_000;

    public Task<bool> AddAsync(Operation operation) =>
        database.Writer.WriteAsync(session =>
        {
            if (operation.Undoes is { } undone && session.Run(Undo, undone, operation.Id) == 0)
                return false;
            var added = session.Run(
                Insert,
                operation.Tenant,
                operation.Id,
                (int)operation.Action,
                operation.Search,
                operation.Details,
                operation.AskedAt,
                operation.Through,
                operation.Expected,
                operation.Actor,
                operation.CreatedAt,
                operation.Cursor,
                operation.Undoes
            );
            if (added > 0)
            {
                Abandon(session, operation.Tenant, MostKept);
                Audit(session, operation, operation.Actor, "create", operation.CreatedAt, null);
            }

            return added > 0;
        });

    public Task<Operation?> FindAsync(string tenant, string id) =>
        database.Readers.ReadAsync(session => session.QueryFirst(One, Row, tenant, id));

    public Task<IReadOnlyList<Operation>> ListAsync(string? tenant, int limit, long? before) =>
        database.Readers.ReadAsync<IReadOnlyList<Operation>>(session =>
            tenant is null
                ? session.Query(OfAny, Row, before ?? long.MaxValue, limit)
                : session.Query(OfTenant, Row, tenant, before ?? long.MaxValue, limit)
        );

    public Task<IReadOnlyList<Operation>> RunningAsync() =>
        database.Readers.ReadAsync<IReadOnlyList<Operation>>(session => session.Query(Running, Row));

    public Task<IReadOnlyList<ChangeResult>?> StepAsync(Operation operation, OperationStep step) =>
        database.Writer.WriteAsync<IReadOnlyList<ChangeResult>?>(session =>
        {
            if (!IsRunning(session, operation.Number))
                return null;
            var writer = new ChangeWriter(database.Writer.Events, database.Claims);
            var results = new List<ChangeResult>(step.Changes.Count);
            foreach (var planned in step.Changes)
            {
                var result = writer.Change(session, planned.Key, planned.Change, operation.Actor, step.Now);
                results.Add(result);
                if (result is ChangeResult.Done && planned.Before is not null)
                    session.Run(Keep, operation.Number, planned.Number, planned.Before);
            }

            var changed = results.Count(static result => result is ChangeResult.Done);
            var ends = step.Cursor is null;
            session.Run(
                Advance,
                operation.Number,
                step.Cursor ?? 0,
                changed,
                results.Count - changed + step.Refused,
                (int)(ends ? OperationState.Done : OperationState.Running),
                ends ? step.Now : null
            );
            if (ends)
                Audit(session, operation, operation.Actor, "done", step.Now, null);
            return results;
        });

    public Task<bool> EndAsync(Operation operation, string? trouble, string actor, long now) =>
        database.Writer.WriteAsync(session =>
        {
            var state = trouble is null ? OperationState.Stopped : OperationState.Failed;
            if (session.Run(End, operation.Number, (int)state, now, trouble) == 0)
                return false;
            Audit(session, operation, actor, trouble is null ? "stop" : "fail", now, trouble);
            return true;
        });

    public Task<IReadOnlyList<ChangedMessage>> ChangedAsync(long operation, long before, int limit) =>
        database.Readers.ReadAsync<IReadOnlyList<ChangedMessage>>(session =>
            session.Query(
                Kept,
                static row => new ChangedMessage(row.Long(0), new(row.Text(1), row.Text(2)), row.Text(3)),
                operation,
                before,
                limit
            )
        );

    public Task<int> ForgetAsync(long undoable, long kept, int limit) =>
        database.Writer.WriteAsync(session => session.Run(ForgetChanges, undoable, limit) + session.Run(ForgetOld, kept, limit));

    private const string Undo = "UPDATE operations SET undone_by = ?2 WHERE number = ?1 AND undone_by IS NULL AND state <> 0";
    private const string End = "UPDATE operations SET state = ?2, ended_at = ?3, trouble = ?4 WHERE number = ?1 AND state = 0";

    /// <summary>Takes a tenant's operations away from it, but for the newest ones.</summary>
    /// <param name="keep">0: those that run too.</param>
    internal static void Abandon(Session session, string tenant, int keep) => session.Run(AbandonSql, tenant, keep);

    private static bool IsRunning(Session session, long number) =>
        session.QueryNumber("SELECT 1 FROM operations WHERE number = ?1 AND state = 0", number) is not null;

    private static Operation Row(Statement row) =>
        new(
            row.Long(0),
            row.Text(1),
            row.Text(2),
            (BulkAction)row.Int(3),
            row.Text(4),
            row.Text(5),
            row.Long(6),
            row.Long(7),
            row.Long(8),
            row.Text(9),
            row.Long(10)
        )
        {
            State = (OperationState)row.Int(11),
            Cursor = row.Long(12),
            Changed = row.Long(13),
            Refused = row.Long(14),
            EndedAt = row.LongOrNull(15),
            Undoes = row.LongOrNull(16),
            UndoneBy = row.TextOrNull(17),
            Trouble = row.TextOrNull(18),
        };

    // Without the search, which may name a person: the operation has it.
    private static void Audit(Session session, Operation operation, string actor, string what, long now, string? trouble)
    {
        var told = new JsonObject
        {
            ["action"] = JsonNamingPolicy.SnakeCaseLower.ConvertName(operation.Action.ToString()),
            ["details"] = JsonNode.Parse(operation.Details),
            ["expected"] = operation.Expected,
        };
        if (trouble is not null)
            told["trouble"] = trouble;
        AuditRows.Append(
            session,
            now,
            actor,
            $"operation.{what}",
            $"operation/{operation.Tenant}/{operation.Id}",
            null,
            told.ToJsonString()
        );
    }
}
