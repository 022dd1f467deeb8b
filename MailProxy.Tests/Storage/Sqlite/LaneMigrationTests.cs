using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

/// <summary>A store of the version before lanes: its queue and its counts are the same afterwards.</summary>
internal sealed class LaneMigrationTests
{
    private const int Before = 13;
    private const long Now = 1_800_000_000_000;
    private const long Slot = Now - 600_000;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mailproxy-lanes-");

    [TearDown]
    public void Clean() => _directory.Delete(recursive: true);

    [Test]
    public async Task Open_QueueAndCountsOfTheVersionBefore_AreRead()
    {
        using (var db = Old())
        {
            Queue(db, "m1", account: 3, due: 0, batch: "b1");
            Queue(db, "m2", account: 5, due: Now + 7000);
            foreach (var (account, count) in new[] { (3, 4), (-2, 6), (0, 9) })
            {
                db.Run(
                    "INSERT INTO limit_uses (account, window, slot, count) VALUES (@account, 3600, @slot, @count)",
                    ("@account", account),
                    ("@slot", Slot),
                    ("@count", count)
                );
            }
        }

        using var database = TemporaryStore.OpenAt(_directory.FullName);
        var store = new SqlMessageStore(
            database,
            new SpoolFiles(Path.Combine(_directory.FullName, "spool")),
            static _ => null,
            TimeProvider.System,
            NullLogger.Instance
        );
        var recovery = await store.RecoverAsync(Now);
        var page = await store.ClaimAsync(new LaneKey(3), new(10, Now));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(recovery.Lanes, Is.EqualTo(new[] { (new LaneKey(3), 0L), (new LaneKey(5), Now + 7000) }));
            Assert.That(
                page.Tickets.Select(ticket => (ticket.Id, ticket.Lane, ticket.Flow)),
                Is.EqualTo(new[] { (1L, new LaneKey(3), FlowKey.Of("b1")) })
            );
            Assert.That(
                recovery.LimitUses,
                Is.EquivalentTo(
                    new LimitUse[]
                    {
                        new(LimitKey.Of(new(3)), 3600, Slot, 4),
                        new(LimitKey.OfTenant(2), 3600, Slot, 6),
                        new(LimitKey.Installation, 3600, Slot, 9),
                    }
                )
            );
        }
    }

    [Test]
    public void Lanes_TheLaneIndex_IsTheOldOne()
    {
        Old().Dispose();
        var root = IndexRoot();
        using (var db = Connections.OpenWriter(Path.Combine(_directory.FullName, "mailproxy.db"), 1000))
            Migrator.Run(db, "", [.. Migrator.Embedded.TakeWhile(static step => step.Number < 31)]);

        Assert.That(IndexRoot(), Is.EqualTo(root).And.GreaterThan(0), "built anew, it would take as long as there are rows");
    }

    private static void Queue(SqliteConnection db, string id, int account, long due, string? batch = null)
    {
        db.Run(
            "INSERT INTO messages (tenant, id, revision, state, account, priority, attempts, envelope_sender, message_id_header, "
                + "created_at, expires_at, on_ambiguous, batch) VALUES "
                + "('default', @id, 1, 0, @account, 2, 0, 'a@example.com', '<1@x>', 1, @end, 0, @batch)",
            ("@id", id),
            ("@batch", batch),
            ("@account", account),
            ("@end", Now + 86_400_000)
        );
        db.Run(
            "INSERT INTO queue (account, priority, due, state, revision, attempt, round, recipients, expires_at) VALUES "
                + "(@account, 2, @due, 0, 1, 0, 0, 1, @end)",
            ("@account", account),
            ("@due", due),
            ("@end", Now + 86_400_000)
        );
    }

    private long IndexRoot()
    {
        using var connection = Connections.OpenPlain(Path.Combine(_directory.FullName, "mailproxy.db"));
        return Connections.Number(connection, "SELECT rootpage FROM sqlite_schema WHERE name = 'queue_lane'");
    }

    private SqliteConnection Old()
    {
        var path = Path.Combine(_directory.FullName, "mailproxy.db");
        _directory.Create();
        StoreFile.Create(path, []);
        var connection = Connections.OpenWriter(path, 1000);
        Migrator.Run(connection, path, [.. Migrator.Embedded.Take(Before)]);
        return connection;
    }
}
