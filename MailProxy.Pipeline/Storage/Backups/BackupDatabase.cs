using MailProxy.Pipeline.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Backups;

/// <summary>A store's database as a single file that no daemon uses: read, checked, and given a new generation.</summary>
internal static class BackupDatabase
{
    /// <summary>Writes a consistent snapshot of a store, even one in use, into a new file, without deleted data.</summary>
    public static void Snapshot(string store, string copy) =>
        Translate(
            store,
            () =>
            {
                using var connection = Open(store);
                Connections.Execute(connection, "PRAGMA busy_timeout=60000");
                using var command = connection.CreateCommand();
                command.CommandTimeout = 0;
                command.CommandText = "VACUUM INTO $copy";
                command.Parameters.AddWithValue("$copy", copy);
                command.ExecuteNonQuery();
                return true;
            }
        );

    public static T Read<T>(string path, Func<SqliteConnection, T> read) =>
        Translate(
            path,
            () =>
            {
                using var connection = Open(path);
                return read(connection);
            }
        );

    /// <summary>Throws <see cref="StoreRefusedException"/> when the file is damaged.</summary>
    public static void Check(string path)
    {
        StoreFile.Inspect(path);
        var verdict = Read(path, db => Connections.Texts(db, "PRAGMA integrity_check(1)"));
        if (verdict is not ["ok"])
            throw StoreFile.Damaged(path, verdict.Count > 0 ? verdict[0] : "it cannot be checked");
    }

    public static int Schema(SqliteConnection db) => (int)Connections.Number(db, "PRAGMA user_version");

    public static StoreHistory History(SqliteConnection db) =>
        new(
            [
                .. GenerationRows
                    .Read(db)
                    .All.Select(life => new StoreLife(Convert.ToHexStringLower(life.Id), life.FirstEvent, life.FirstAudit)),
            ],
            GenerationRows.LastEvent(db),
            GenerationRows.LastChange(db)
        );

    public static BackupCounts Counts(SqliteConnection db)
    {
        long Rows(string table, string where = "1") => Connections.Number(db, $"SELECT count(*) FROM {table} WHERE {where}");
        return new(
            Rows("messages"),
            Rows("queue"),
            Rows("events"),
            Rows("accounts", "deleted_at IS NULL"),
            Rows("tenants"),
            Rows("webhooks")
        );
    }

    public static List<string> Spool(SqliteConnection db) =>
        Connections.Texts(db, "SELECT spool FROM bodies WHERE spool IS NOT NULL ORDER BY spool");

    /// <summary>Migrates the database to this program's schema and begins a new generation in it, with sending suspended.</summary>
    public static void BeginAnew(string path, DateTime backupAt, DateTimeOffset now) =>
        Read(
            path,
            db =>
            {
                Migrator.Run(db, path, Migrator.Embedded);
                var at = now.ToUnixTimeMilliseconds();
                Connections.Execute(db, "BEGIN IMMEDIATE");
                db.Run("DELETE FROM flight"); // a backup has no attempts under way
                GenerationRows.Begin(db, at, new DateTimeOffset(backupAt).ToUnixTimeMilliseconds());
                db.Run(
                    "INSERT INTO settings (name, value) VALUES (@name, 'true') ON CONFLICT (name) DO UPDATE SET value = 'true'",
                    ("@name", SqliteAccountStore.SuspendedSetting)
                );
                AuditRows.Append(
                    db,
                    at,
                    "mailproxy",
                    "store.restore",
                    "store",
                    null,
                    $"{{\"backup_made_at\":\"{backupAt:yyyy-MM-ddTHH:mm:ss.fffZ}\"}}"
                );
                Connections.Execute(db, "COMMIT");
                return true;
            }
        );

    private static SqliteConnection Open(string path) => Connections.OpenExisting(path);

    private static T Translate<T>(string path, Func<T> act)
    {
        try
        {
            return act();
        }
        catch (SqliteException error) when (StoreTrouble.IsDamage(error))
        {
            throw StoreFile.Damaged(path, error.Message, error);
        }
        catch (SqliteException error) when (StoreTrouble.Passes(error))
        {
            throw new StoreUnavailableException($"'{path}': {StoreTrouble.Describe(error)}.", error);
        }
    }
}
