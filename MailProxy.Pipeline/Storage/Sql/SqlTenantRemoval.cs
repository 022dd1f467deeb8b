namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Removes what a deleted tenant leaves, in slices: messages with all their rows, idempotency keys, and events that are not about a
/// message.
/// </summary>
public sealed class SqlTenantRemoval(StoreDatabase database, SpoolFiles spool) : ITenantRemoval
{
    private const int Messages = 200,
        Requests = 1_000,
        Events = 5_000;

    private static readonly string[] Parts = ["recipients", "events", "links", "attempts"];

    /// <summary>Called in the transaction that deletes the tenant.</summary>
    internal static void Begin(Session session, string tenant) =>
        session.Run("INSERT INTO removed_tenants (id) VALUES (?1) ON CONFLICT DO NOTHING", tenant);

    public async Task<bool> RemoveAsync(string tenant, int slices)
    {
        for (var i = 0; i < slices; i++)
        {
            if (!await database.Readers.ReadAsync(session => IsPending(session, tenant)))
                return true;
            await RemoveSliceAsync(tenant);
        }

        return !await database.Readers.ReadAsync(session => IsPending(session, tenant));
    }

    /// <summary>Removes one slice of any deleted tenant. False when there is none.</summary>
    internal async Task<bool> RemoveSomeAsync()
    {
        if (await database.Readers.ReadAsync(NextPending) is not { } tenant)
            return false;
        await RemoveSliceAsync(tenant);
        return true;
    }

    /// <summary>Removes one slice of what a deleted tenant left; nothing of one that lives.</summary>
    internal async Task RemoveSliceAsync(string tenant)
    {
        var files = await database.Writer.WriteAsync(session => RemoveSlice(session, tenant));

        // The rows that named the files are deleted for good; a file that survives a crash here is swept at the next start.
        foreach (var file in files)
            spool.Delete(file);
    }

    private static List<string> RemoveSlice(Session session, string tenant)
    {
        var files = new List<string>();

        // Who asked may have seen the old tenant, and since then somebody else removed the rest and a new one was made.
        if (!IsPending(session, tenant))
            return files;
        if (RemoveMessages(session, tenant, files))
            return files;
        if (RemoveRequests(session, tenant) || RemoveSuppressions(session, tenant))
            return files;
        if (RemoveEvents(session, tenant))
            return files;
        session.Run("DELETE FROM retained WHERE tenant = ?1", tenant);
        session.Run("DELETE FROM removed_tenants WHERE id = ?1", tenant);
        return files;
    }

    private static bool RemoveMessages(Session session, string tenant, List<string> files)
    {
        var numbers = session.Query(
            "SELECT number FROM messages INDEXED BY messages_name WHERE tenant = ?1 LIMIT ?2",
            row => row.Long(0),
            tenant,
            Messages
        );
        foreach (var number in numbers)
        {
            files.AddRange(
                session
                    .Query("DELETE FROM bodies WHERE message = ?1 RETURNING spool", row => row.IsNull(0) ? null : row.Text(0), number)
                    .OfType<string>()
            );
            foreach (var part in Parts)
                session.Run($"DELETE FROM {part} WHERE message = ?1", number);
            session.Run("DELETE FROM retained WHERE subject = ?1", number);
            session.Run("DELETE FROM messages WHERE number = ?1", number);
        }

        return numbers.Count > 0;
    }

    private static bool RemoveRequests(Session session, string tenant) =>
        session.Run(
            "DELETE FROM idempotency WHERE (tenant, key) IN (SELECT tenant, key FROM idempotency WHERE tenant = ?1 LIMIT ?2)",
            tenant,
            Requests
        ) > 0;

    private static bool RemoveSuppressions(Session session, string tenant) =>
        session.Run(
            "DELETE FROM suppressions WHERE tenant = ?1 AND address IN (SELECT address FROM suppressions WHERE tenant = ?1 LIMIT ?2)",
            tenant,
            Events
        ) > 0;

    // The log has no index on tenants, so it is walked once. Events about messages were already removed with those.
    private static bool RemoveEvents(Session session, string tenant)
    {
        var last = session.QueryNumber("SELECT max(position) FROM events") ?? 0;
        var from = session.QueryNumber("SELECT through FROM removed_tenants WHERE id = ?1", tenant) ?? last;
        if (from >= last)
            return false;
        var through = Math.Min(
            session.QueryNumber(
                "SELECT max(position) FROM (SELECT position FROM events WHERE position > ?1 ORDER BY position LIMIT ?2) slice",
                from,
                Events
            ) ?? last,
            last
        );
        session.Run("DELETE FROM events WHERE position > ?1 AND position <= ?2 AND tenant = ?3 AND message IS NULL", from, through, tenant);
        session.Run("UPDATE removed_tenants SET through = ?2 WHERE id = ?1", tenant, through);
        session.Run(
            "INSERT INTO event_floors (tenant, position) VALUES (?1, ?2) ON CONFLICT (tenant) DO UPDATE SET position "
                + "= max(event_floors.position, excluded.position)",
            tenant,
            through
        );
        return true;
    }

    private static bool IsPending(Session session, string tenant) =>
        session.QueryNumber("SELECT EXISTS (SELECT 1 FROM removed_tenants WHERE id = ?1)", tenant) == 1;

    private static string? NextPending(Session session) => session.QueryFirst("SELECT id FROM removed_tenants LIMIT 1", row => row.Text(0));
}
