using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sql;
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
                using var session = Open(store);
                Connections.Execute(session.Connection, "PRAGMA busy_timeout=60000");
                session.Run("VACUUM INTO ?1", copy);
                return true;
            }
        );

    public static T Read<T>(string path, Func<SqliteSession, T> read) =>
        Translate(
            path,
            () =>
            {
                using var session = Open(path);
                return read(session);
            }
        );

    /// <summary>Throws <see cref="StoreRefusedException"/> when the file is damaged.</summary>
    public static void Check(string path)
    {
        StoreFile.Inspect(path);
        var verdict = Read(path, session => Connections.Texts(session.Connection, "PRAGMA integrity_check(1)"));
        if (verdict is not ["ok"])
            throw StoreFile.Damaged(path, verdict.Count > 0 ? verdict[0] : "it cannot be checked");
    }

    public static int Schema(SqliteSession session) => (int)Connections.Number(session.Connection, "PRAGMA user_version");

    public static StoreHistory History(SqliteSession session) =>
        new(
            [
                .. GenerationRows
                    .Read(session)
                    .All.Select(life => new StoreLife(Convert.ToHexStringLower(life.Id), life.FirstEvent, life.FirstAudit)),
            ],
            session.LastNumber("events"),
            GenerationRows.LastChange(session)
        );

    public static BackupCounts Counts(SqliteSession session)
    {
        long Rows(string table, string where = "1") =>
            Connections.Number(session.Connection, $"SELECT count(*) FROM {table} WHERE {where}");
        return new(
            Rows("messages"),
            Rows("queue"),
            Rows("events"),
            Rows("accounts", "deleted_at IS NULL"),
            Rows("tenants"),
            Rows("webhooks")
        );
    }

    public static List<string> Spool(SqliteSession session) =>
        Connections.Texts(session.Connection, "SELECT spool FROM bodies WHERE spool IS NOT NULL ORDER BY spool");

    /// <summary>Migrates the database to this program's schema and begins a new generation in it, with sending suspended.</summary>
    public static void BeginAnew(string path, DateTime backupAt, DateTimeOffset now) =>
        Read(
            path,
            session =>
            {
                Migrator.Run(session.Connection, path, Migrator.Embedded);
                var at = now.ToUnixTimeMilliseconds();
                Connections.Execute(session.Connection, "BEGIN IMMEDIATE");
                session.Run("DELETE FROM flight"); // a backup has no attempts under way
                GenerationRows.Begin(session, at, new DateTimeOffset(backupAt).ToUnixTimeMilliseconds());
                session.Run(
                    "INSERT INTO settings (name, value) VALUES (?1, 'true') ON CONFLICT (name) DO UPDATE SET value = 'true'",
                    SqlSendingStore.SuspendedSetting
                );
                AuditRows.Append(
                    session,
                    at,
                    "mailproxy",
                    "store.restore",
                    "store",
                    null,
                    $"{{\"backup_made_at\":\"{backupAt:yyyy-MM-ddTHH:mm:ss.fffZ}\"}}"
                );
                Connections.Execute(session.Connection, "COMMIT");
                return true;
            }
        );

    private static SqliteSession Open(string path) => new(Connections.OpenExisting(path));

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
