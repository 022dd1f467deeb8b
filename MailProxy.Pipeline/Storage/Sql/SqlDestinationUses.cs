using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>What accounts have sent to single domains.</summary>
public sealed class SqlDestinationUses(StoreDatabase database) : IDestinationUses
{
    private const string Upsert = """
        INSERT INTO destination_uses (account, domain, "window", slot, count) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (account, domain, "window", slot) DO UPDATE SET count = destination_uses.count + excluded.count
        """;

    // As with the limits of accounts: a slot counts until its end has left the window.
    private const string Select =
        "SELECT account, domain, \"window\", slot, count FROM destination_uses WHERE slot > ?1 - \"window\" * 1000 - \"window\" * 25 / 3";

    private const string DeleteOld = """
        DELETE FROM destination_uses WHERE (account, domain, "window", slot) IN (SELECT account, domain, "window", slot FROM
            destination_uses INDEXED BY destination_uses_slot WHERE slot <= ?1 - 93600000 LIMIT ?2)
        """;

    private const string Hasten = """
        UPDATE queue SET due = 0, destination = 0 WHERE message IN (SELECT message FROM queue INDEXED BY queue_destination
            WHERE lane = ?1 AND destination = 1 LIMIT ?2)
        """;

    public Task<IReadOnlyList<DestinationUse>> ReadAsync(long now) =>
        database.Readers.ReadAsync(session =>
        {
            var uses = new List<DestinationUse>();
            var row = session.Prepare(Select).Add(now);
            while (row.Step())
                uses.Add(new(new(row.Int(0)), row.Text(1), row.Int(2), row.Long(3), row.Int(4)));
            return (IReadOnlyList<DestinationUse>)uses;
        });

    public Task<int> HastenAsync(LaneKey lane, int limit) =>
        database.Writer.WriteAsync(session => session.Prepare(Hasten).Add(lane.Number).Add(limit).Run());

    /// <summary>Inside a turn's transaction.</summary>
    internal static void Count(Session session, AccountKey account, IReadOnlyList<DestinationCount> counts, long at)
    {
        foreach (var (domain, count, windows) in counts)
        {
            foreach (var window in windows)
            {
                session.Prepare(Upsert).Add(account.Number).Add(domain).Add(window).Add(LimitUses.Slot(window, at)).Add(count).Post();
            }
        }
    }

    /// <summary>Deletes old rows, and returns how many.</summary>
    internal static int Forget(Session session, long now, int limit) => session.Prepare(DeleteOld).Add(now).Add(limit).Run();
}
