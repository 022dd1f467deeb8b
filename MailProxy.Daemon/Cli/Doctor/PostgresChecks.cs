using MailProxy.Daemon.Hosting;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Postgres;

namespace MailProxy.Daemon.Cli.Doctor;

/// <summary>Looks at the database: whether it is there, and whether it keeps what it has committed.</summary>
internal static class PostgresChecks
{
    private const string Database = "database";

    public static IEnumerable<Finding> Find(StorageSettings settings)
    {
        if (settings.Connection is null)
            return [Unread(settings)];
        try
        {
            return Judge(PgSafety.Read(settings.Connection));
        }
        catch (StoreRefusedException error)
        {
            return [new(Health.Problem, Database, DaemonChecks.Connection, error.Message, "See docs/operate/postgres.md.")];
        }
    }

    /// <summary>What is to be said of a server. Pure.</summary>
    public static IEnumerable<Finding> Judge(PgSafety server)
    {
        if (server.IsReplica)
        {
            yield return new(
                Health.Problem,
                Database,
                DaemonChecks.Connection,
                "this server is a replica, which cannot be written.",
                "Name every server, and ask for the one that can be written: Host=db1,db2;Target Session Attributes=primary"
            );
            yield break;
        }

        yield return new(Health.Ok, Database, DaemonChecks.Connection, $"PostgreSQL {server.Version} answers.");
        foreach (var finding in Settings(server))
            yield return finding;
        yield return Replicas(server);
    }

    private static IEnumerable<Finding> Settings(PgSafety server)
    {
        if (!server.Fsync)
            yield return Off("fsync", "a power cut or a crash of the machine loses acknowledged mail and may ruin the database.");
        if (!server.FullPageWrites)
            yield return Off("full_page_writes", "a power cut in the middle of a write may ruin the database.");
        if (server is { Fsync: true, FullPageWrites: true })
            yield return new(Health.Ok, Database, "durability", "fsync and full_page_writes are on.");
    }

    private static Finding Off(string setting, string says) =>
        new(
            Health.Warning,
            Database,
            "durability",
            $"{setting} is off: {says}",
            $"ALTER SYSTEM SET {setting} = on; SELECT pg_reload_conf();"
        );

    // Of a server that names replicas and has only asynchronous ones, commits wait for the named ones, which are not there.
    private static Finding Replicas(PgSafety server)
    {
        var count = server.Replicas.Count;
        var streaming = count == 1 ? "1 replica streams" : $"{count} replicas stream";
        var synchronous = server.Replicas.Count(static state => state is not null and not "async");
        if (server.Synchronous.Length > 0 && synchronous == 0 && !server.Replicas.Contains(null))
            return new(
                Health.Problem,
                Database,
                "replicas",
                $"synchronous_standby_names is '{server.Synchronous}', and no such replica streams: every commit waits for one.",
                "Start the replica, or name one that is there: ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'; "
                    + "SELECT pg_reload_conf();"
            );
        if (count == 0)
            return new(Health.Ok, Database, "replicas", "none streams.");
        if (server.Synchronous.Length == 0)
            return new(
                Health.Warning,
                Database,
                "replicas",
                $"{streaming}, none synchronous: a failover to one loses acknowledged mail, and sends some again.",
                "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'; SELECT pg_reload_conf();"
            );
        return new(
            Health.Ok,
            Database,
            "replicas",
            server.Replicas.Contains(null)
                ? $"{streaming}; synchronous_standby_names is '{server.Synchronous}'."
                : $"{streaming}, {synchronous} synchronous; let only such a one take over."
        );
    }

    private static Finding Unread(StorageSettings settings) =>
        new(
            Health.Skipped,
            Database,
            DaemonChecks.Connection,
            $"not looked at: {settings.Trouble ?? "there is no connection string."}",
            "Run this as root, or as the daemon's user."
        );
}
