using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>The generations of a store as rows.</summary>
internal static class GenerationRows
{
    public static StoreGenerations Read(SqliteConnection db) =>
        new(
            db.Query(
                "SELECT id, key, first_event, first_audit, backup_at FROM generations ORDER BY number",
                row => new StoreGeneration(
                    row.GetFieldValue<byte[]>(0),
                    row.GetFieldValue<byte[]>(1),
                    row.GetInt64(2),
                    row.GetInt64(3),
                    row.NumberOrNull(4)
                )
            )
        );

    /// <summary>Begins a new generation after everything that is in the store.</summary>
    public static void Begin(SqliteConnection db, long now, long backupAt) =>
        db.Run(
            """
            INSERT INTO generations (number, id, key, first_event, first_audit, made_at, backup_at)
            SELECT (SELECT max(number) FROM generations) + 1, randomblob(8), randomblob(32), @event + 1, @audit + 1, @now, @backup
            """,
            ("@event", LastEvent(db)),
            ("@audit", Last(db, "audit")),
            ("@now", now),
            ("@backup", backupAt)
        );

    public static long LastEvent(SqliteConnection db) => Last(db, "events");

    /// <summary>The last change by a person; changes that the daemon makes by itself do not matter to a backup.</summary>
    public static long LastChange(SqliteConnection db) =>
        db.QueryNumber("SELECT number FROM audit WHERE actor <> 'mailproxy' ORDER BY number DESC LIMIT 1") ?? 0;

    private static long Last(SqliteConnection db, string table) =>
        db.QueryNumber("SELECT seq FROM sqlite_sequence WHERE name = @table", ("@table", table)) ?? 0;
}
