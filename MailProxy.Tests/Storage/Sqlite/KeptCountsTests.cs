using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Pipeline.Storage.Sqlite.Counts;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

/// <summary>Whatever happens to mail, and however the process ends, the kept counts are those of the rows.</summary>
internal sealed class KeptCountsTests : MessageStoreContract<SqliteBench>
{
    private readonly List<QueuedMail> _tickets = [];

    [SetUp]
    public void Forget() => _tickets.Clear();

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public async Task Counts_AfterRandomOperations_AreThoseOfTheRows(int seed)
    {
        var random = new Random(seed);
        for (var step = 0; step < 250; step++)
        {
            await StepAsync(random);
            if (step % 25 == 24)
                await CountsCheck.CheckAsync(Bench.Database);
        }

        Assert.That(Bench.Count("messages"), Is.GreaterThan(5), "there must be something to count");
    }

    [Test]
    public async Task Counts_OfAWriteThatFailed_AreNotKept()
    {
        await PutAsync(Mail("m1"));
        Assert.That(
            () =>
                Bench.Database.Writer.WriteAsync<int>(session =>
                {
                    session.Run("DELETE FROM queue");
                    session.Run("DELETE FROM messages");
                    throw new ArgumentException("changed its mind");
                }),
            Throws.ArgumentException
        );
        await CountsCheck.CheckAsync(Bench.Database);
        Assert.That((await CountsAsync()).Depth.Single().Count, Is.EqualTo(1));
    }

    [Test]
    public void Counting_ThatFails_LeavesNoSnapshotOpen()
    {
        using var store = new TemporaryStore();
        var path = Path.Combine(store.Path, "mailproxy.db");
        _ = store.Database;
        store.Close();
        using var writer = new SqliteSession(Connections.OpenWriter(path, 1 << 20), static _ => { });
        using var counts = new KeptCounts(
            writer,
            path,
            step =>
            {
                step(writer);
                return Task.FromException<bool>(new StoreUnavailableException("The turn was rolled back."));
            },
            static _ => { }
        );
        writer.Run("INSERT INTO settings VALUES ('x', 'before')");

        Assert.That(counts.CountAsync, Throws.InstanceOf<StoreUnavailableException>());

        writer.Run("UPDATE settings SET value = 'after' WHERE name = 'x'");
        Assert.That(writer.Query("PRAGMA wal_checkpoint(TRUNCATE)", static row => row.Int(0)), Is.EqualTo([0]), "nobody reads the log");
    }

    [Test]
    public async Task Counts_OfATurnThatWasRolledBack_AreNotKept()
    {
        await PutAsync(Mail("m1"));
        await Bench.FillDiskAsync();
        Assert.That(
            () =>
                Bench.Database.Writer.WriteAsync(session => session.Run("INSERT INTO settings VALUES ('x', ?1)", new string('x', 100_000))),
            Throws.InstanceOf<Exception>()
        );
        Bench.FreeDisk();
        await PutAsync(Mail("m2"));
        await CountsCheck.CheckAsync(Bench.Database);
    }

    private Task<QueueCounts> CountsAsync() => new SqlMessageQueries(Bench.Database, Bench.Spool).CountsAsync(Now);

    private async Task StepAsync(Random random)
    {
        var id = $"m{random.Next(40)}";
        switch (random.Next(14))
        {
            case 0 or 1 or 2 or 3:
                _tickets.AddRange(
                    (
                        await AppendAsync(
                            Mail(
                                id,
                                content: $"{random.Next(3)}",
                                sendAt: random.Next(4) == 0 ? Now + 5_000 : null,
                                priority: (Priority)random.Next(4),
                                account: new(1 + random.Next(3)),
                                expiresAt: Now + random.Next(2_000, 200_000),
                                to: random.Next(5) == 0 ? ["ann@example.com", "bob@example.com"] : [$"{id}@example.com"]
                            ) with
                            {
                                Batch = random.Next(3) == 0 ? null : $"b{random.Next(2)}",
                            }
                        )
                    ).Tickets
                );
                break;
            case 4 or 5 or 6 when _tickets.Count > 0:
                var ticket = _tickets[random.Next(_tickets.Count)];
                _tickets.Remove(ticket);
                if (await MarkAsync(ticket))
                    await SettleAsync(Outcome(ticket, random.Next(4)));
                break;
            case 7:
                MessageChange[] changes =
                [
                    new MessageChange.Cancel(),
                    new MessageChange.Hold(),
                    new MessageChange.Release(),
                    new MessageChange.Retry(Now + 100_000),
                ];
                await ChangeAsync(id, changes[random.Next(changes.Length)]);
                break;
            case 8:
                await Batches.SetSuspendedAsync("default", $"b{random.Next(2)}", random.Next(2) == 0, "ann");
                break;
            case 9:
                Bench.Clock.Advance(TimeSpan.FromSeconds(random.Next(20)));
                await In30(Store.ExpireAsync(Now, 10));
                break;
            case 10:
                await Bench.Erasure.EraseAsync("default", $"{id}@example.com", 0, Now, "ann");
                break;
            case 11:
                await In30(
                    Bench.Retention.PurgeAsync(new(_ => Retention.None, TimeSpan.Zero, TimeSpan.FromSeconds(5), TimeSpan.Zero), Now)
                );
                break;
            case 12:
                _tickets.AddRange((await ClaimAsync(lane: new(1 + random.Next(3)))).Tickets);
                break;
            case 13 when random.Next(3) == 0:
                _tickets.Clear();
                Bench.Crash();
                break;
        }
    }

    private SqlBatchStore Batches => new(Bench.Database, Bench.Clock);

    private Settlement Outcome(QueuedMail ticket, int kind) =>
        kind switch
        {
            0 => Sent(ticket, ticket.Recipients),
            1 => Put(ticket, Now + 3_000, ticket.Recipients),
            2 => Failed(ticket),
            _ => Held(ticket),
        };
}
