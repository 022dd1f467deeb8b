using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// Removes what a deleted tenant leaves, in slices: messages with all their rows, idempotency keys, and events that are not about a
/// message.
/// </summary>
public sealed class SqliteTenantRemoval(SqliteDatabase database, SpoolFiles spool) : ITenantRemoval
{
    private const int Messages = 200,
        Requests = 1_000,
        Events = 5_000;

    private static readonly string[] Parts = ["recipients", "events", "links"];

    /// <summary>Called in the transaction that deletes the tenant.</summary>
    internal static void Begin(SqliteConnection db, string tenant) =>
        db.Run("INSERT INTO removed_tenants (id) VALUES (@id) ON CONFLICT DO NOTHING", ("@id", tenant));

    public async Task<bool> RemoveAsync(string tenant, int slices)
    {
        for (var i = 0; i < slices; i++)
        {
            if (!await database.Readers.ReadAsync(db => IsPending(db, tenant)))
                return true;
            await RemoveSliceAsync(tenant);
        }

        return !await database.Readers.ReadAsync(db => IsPending(db, tenant));
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
        var files = await database.Writer.WriteAsync(db => RemoveSlice(db, tenant));

        // The rows that named the files are deleted for good; a file that survives a crash here is swept at the next start.
        foreach (var file in files)
            spool.Delete(file);
    }

    private static List<string> RemoveSlice(SqliteConnection db, string tenant)
    {
        var files = new List<string>();

        // Who asked may have seen the old tenant, and since then somebody else removed the rest and a new one was made.
        if (!IsPending(db, tenant))
            return files;
        if (RemoveMessages(db, tenant, files))
            return files;
        if (RemoveRequests(db, tenant))
            return files;
        if (RemoveEvents(db, tenant))
            return files;
        db.Run("DELETE FROM retained WHERE tenant = @tenant", ("@tenant", tenant));
        db.Run("DELETE FROM removed_tenants WHERE id = @tenant", ("@tenant", tenant));
        return files;
    }

    private static bool RemoveMessages(SqliteConnection db, string tenant, List<string> files)
    {
        var numbers = db.Query(
            "SELECT number FROM messages INDEXED BY messages_name WHERE tenant = @tenant LIMIT @limit",
            row => row.GetInt64(0),
            ("@tenant", tenant),
            ("@limit", Messages)
        );
        foreach (var number in numbers)
        {
            files.AddRange(
                db.Query(
                        "DELETE FROM bodies WHERE message = @number RETURNING spool",
                        row => row.IsDBNull(0) ? null : row.GetString(0),
                        ("@number", number)
                    )
                    .OfType<string>()
            );
            foreach (var part in Parts)
                db.Run($"DELETE FROM {part} WHERE message = @number", ("@number", number));
            db.Run("DELETE FROM retained WHERE subject = @number", ("@number", number));
            db.Run("DELETE FROM messages WHERE number = @number", ("@number", number));
        }

        return numbers.Count > 0;
    }

    private static bool RemoveRequests(SqliteConnection db, string tenant) =>
        db.Run(
            "DELETE FROM idempotency WHERE (tenant, key) IN (SELECT tenant, key FROM idempotency WHERE tenant = @tenant LIMIT @limit)",
            ("@tenant", tenant),
            ("@limit", Requests)
        ) > 0;

    // The log has no index on tenants, so it is walked once. Events about messages were already removed with those.
    private static bool RemoveEvents(SqliteConnection db, string tenant)
    {
        var last = db.QueryNumber("SELECT max(position) FROM events") ?? 0;
        var from = db.QueryNumber("SELECT through FROM removed_tenants WHERE id = @tenant", ("@tenant", tenant)) ?? last;
        if (from >= last)
            return false;
        var through = Math.Min(
            db.QueryNumber(
                "SELECT max(position) FROM (SELECT position FROM events WHERE position > @from ORDER BY position LIMIT @limit)",
                ("@from", from),
                ("@limit", Events)
            ) ?? last,
            last
        );
        db.Run(
            "DELETE FROM events WHERE position > @from AND position <= @through AND tenant = @tenant AND message IS NULL",
            ("@from", from),
            ("@through", through),
            ("@tenant", tenant)
        );
        db.Run("UPDATE removed_tenants SET through = @through WHERE id = @tenant", ("@tenant", tenant), ("@through", through));
        db.Run(
            "INSERT INTO event_floors (tenant, position) VALUES (@tenant, @through) ON CONFLICT (tenant) DO UPDATE SET position "
                + "= max(position, excluded.position)",
            ("@tenant", tenant),
            ("@through", through)
        );
        return true;
    }

    private static bool IsPending(SqliteConnection db, string tenant) =>
        db.QueryNumber("SELECT EXISTS (SELECT 1 FROM removed_tenants WHERE id = @tenant)", ("@tenant", tenant)) == 1;

    private static string? NextPending(SqliteConnection db) =>
        db.QueryFirst("SELECT id FROM removed_tenants LIMIT 1", row => row.GetString(0));
}
