using System.Security.Cryptography;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>The generations of a store as rows.</summary>
internal static class GenerationRows
{
    public static StoreGenerations Read(Session session) =>
        new(
            session.Query(
                "SELECT id, key, first_event, first_audit, backup_at FROM generations ORDER BY number",
                row => new StoreGeneration(row.Blob(0), row.Blob(1), row.Long(2), row.Long(3), row.LongOrNull(4))
            )
        );

    /// <summary>Begins a new generation after everything that is in the store.</summary>
    public static void Begin(Session session, long now, long backupAt) =>
        session.Run(
            """
            INSERT INTO generations (number, id, key, first_event, first_audit, made_at, backup_at)
            SELECT (SELECT max(number) FROM generations) + 1, ?5, ?6, ?1 + 1, ?2 + 1, ?3, ?4
            """,
            session.LastNumber("events"),
            session.LastNumber("audit"),
            now,
            backupAt,
            RandomNumberGenerator.GetBytes(StoreGeneration.IdSize),
            RandomNumberGenerator.GetBytes(StoreGeneration.KeySize)
        );

    /// <summary>The last change by a person; changes that the daemon makes by itself do not matter to a backup.</summary>
    public static long LastChange(Session session) =>
        session.QueryNumber("SELECT number FROM audit WHERE actor <> 'mailproxy' ORDER BY number DESC LIMIT 1") ?? 0;
}
