using System.Diagnostics;
using System.Security.Cryptography;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Moves;
using MailProxy.Pipeline.Storage.Nodes;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>How a process becomes a node: behind whoever used its data directory before, and beside others of other names.</summary>
internal static class PgEntry
{
    private const string FirstGeneration = """
        INSERT INTO generations (number, id, key, first_event, first_audit, made_at)
        SELECT 1, ?1, ?2, 1, 1, ?3 WHERE NOT EXISTS (SELECT 1 FROM generations) ON CONFLICT DO NOTHING
        """;

    // Nodes that start together come in one after the other. No lock of a row or a table, for which those that live would wait.
    private const string Door = "SELECT pg_advisory_xact_lock(5575304318098138480)";

    private const string ForgetDead = """
        WITH gone AS (DELETE FROM nodes WHERE dead_at < ?1 AND NOT EXISTS (SELECT 1 FROM marks WHERE marks.session = nodes.session)
            RETURNING session)
        DELETE FROM beats USING gone WHERE beats.session = gone.session
        """;

    /// <summary>How long (milliseconds) dead nodes are remembered.</summary>
    private const long Remembered = 86_400_000;

    /// <returns>The node's session.</returns>
    public static long Enter(NpgsqlConnection connection, PgDatabaseOptions options, TimeProvider clock)
    {
        var place = PgPlace.NameOf(options.DataDirectory);
        var session = new PgSession(connection);
        foreach (var node in PgNodeRows.AllAlive(session))
        {
            // This process holds that node's data directory now, so it has ended and its connections are gone; unless the directory is a
            // copy of it.
            var isOwn = node.Place == place && node.Name == options.Nodes.Name;
            if (isOwn && !PgNodeRows.IsConnected(session, node))
                End(session, node, Now());
            else if (node.Place == place)
                WaitForEnd(session, node, isOwn, options.Nodes, Now, Copied(node.Name, options.DataDirectory));
            else if (node.Name == options.Nodes.Name)
                WaitForEnd(session, node, false, options.Nodes, Now, Refused(node.Name));
        }

        session.Run("BEGIN");
        session.Run(Door);
        var generation = (RandomNumberGenerator.GetBytes(StoreGeneration.IdSize), RandomNumberGenerator.GetBytes(StoreGeneration.KeySize));
        session.Run(FirstGeneration, generation.Item1, generation.Item2, Now());
        if (PgNodeRows.AllAlive(session).Any(node => node.Name == options.Nodes.Name))
            throw Refused(options.Nodes.Name);
        session.Run(ForgetDead, Now() - Remembered);
        var me = PgNodeRows.Enter(session, options.Nodes, place, options.Version, Now());

        // Behind the row of nodes, for which a move that is under way lets nobody through.
        MovedNote.RefuseIn(session);
        session.Run("COMMIT");
        return me;

        long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();
    }

    private static void End(PgSession session, NodeRow node, long now)
    {
        for (var last = node; !PgNodeRows.End(session, last, now); )
        {
            // A beat that was under way when it ended.
            if (PgNodeRows.AllAlive(session).FirstOrDefault(one => one.Session == node.Session) is not { } again)
                return;
            last = again;
        }
    }

    // A node of this name may have lost its data directory, or be alive: whether it beats is watched as any node does it.
    private static void WaitForEnd(
        PgSession session,
        NodeRow node,
        bool isOwn,
        NodeOptions options,
        Func<long> now,
        StoreRefusedException itLives
    )
    {
        var begun = Stopwatch.GetTimestamp();
        var longest = node.TimeToLive > options.TimeToLive ? node.TimeToLive : options.TimeToLive;
        while (Stopwatch.GetElapsedTime(begun) <= longest)
        {
            using (var pause = new ManualResetEventSlim())
                pause.Wait(options.Beat / 2);
            if (isOwn && !PgNodeRows.IsConnected(session, node))
                break; // its last beat may have been under way
            if (PgNodeRows.AllAlive(session).FirstOrDefault(one => one.Session == node.Session) is not { } again)
                return;
            if (again.Beat != node.Beat)
                throw itLives;
        }

        if (isOwn && !PgNodeRows.IsConnected(session, node))
            End(session, node, now());
        else
            PgNodeRows.End(session, node, now());
    }

    private static StoreRefusedException Copied(string name, string directory) =>
        new(
            $"The data directory '{directory}' was copied from that of the node '{name}', which uses this database. Remove the file "
                + $"{PgPlace.FileName} from the copy, so that it is a node of its own, and give it a name of its own (Storage:Nodes:Name)."
        );

    private static StoreRefusedException Refused(string name) =>
        new($"A node of the name '{name}' uses this database already, with another data directory. Set Storage:Nodes:Name to another one.");
}
