using System.Diagnostics;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>Which master keys each node has: none seals under a key that another one lacks.</summary>
internal static class PgKeys
{
    // Who tells his keys sees those of all who told theirs before.
    private const string InTurn = "SELECT pg_advisory_xact_lock(5575304318098138481)";

    private const string Tell = "UPDATE nodes SET keys = ?2 WHERE session = ?1";

    private const string Others =
        "SELECT name, keys FROM nodes WHERE dead_at IS NULL AND session <> ?1 AND keys <> '' ORDER BY name, session";

    /// <summary>
    /// Tells this node's keys. Throws <see cref="StoreRefusedException"/> when one that lives lacks the key under which this one would
    /// seal, or the other way round; after the time in which one that has ended is found to be dead.
    /// </summary>
    public static async Task AgreeAsync(CommitLoop writer, long me, NodeOptions options, SecretBox box, TimeProvider clock)
    {
        var begun = Stopwatch.GetTimestamp();
        while (await writer.WriteAsync(session => Disagreement(session, me, box)) is { } disagreement)
        {
            if (Stopwatch.GetElapsedTime(begun) > options.TimeToLive * 2 + options.Beat)
                throw new StoreRefusedException(disagreement);
            await Task.Delay(options.Beat / 2, clock);
        }
    }

    /// <summary>What the master keys of two nodes lack, and what to do; null: nothing. Pure.</summary>
    /// <param name="theirs">The keys of the other one, that under which it seals first.</param>
    public static string? Disagreement(SecretBox mine, string name, IReadOnlyList<string> theirs)
    {
        const string remedy =
            "Give every node both keys, the old one first (MAILPROXY_MASTER_KEY=old,new), then every node the new one first, then the new "
            + "one alone.";
        if (!theirs.Contains(mine.SealingKey))
            return $"The node '{name}' lacks the master key {mine.SealingKey}, under which this node would seal secrets. {remedy}";
        if (!mine.KeyIds.Contains(theirs[0]))
            return $"This node lacks the master key {theirs[0]}, under which the node '{name}' seals secrets. {remedy}";
        return null;
    }

    private static string? Disagreement(Session session, long me, SecretBox box)
    {
        session.Run(InTurn);
        var others = session.Query(Others, static row => (Name: row.Text(0), Keys: row.Text(1).Split(',')), me);
        if (others.Select(other => Disagreement(box, other.Name, other.Keys)).FirstOrDefault(static one => one is not null) is { } found)
            return found;
        session.Run(Tell, me, string.Join(',', box.KeyIds.OrderBy(id => id != box.SealingKey)));
        return null;
    }
}
