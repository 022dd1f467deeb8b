using CsCheck;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

/// <summary>Settlements of one commit are written table by table; that must never be seen.</summary>
[TestFixture]
internal sealed class SettleTogetherTests : MessageStoreContract<SqliteBench>
{
    private static readonly string[] Tables = ["messages", "queue", "recipients", "bodies", "events", "limit_uses"];

    [Test]
    public async Task AnyMix_Together_LeavesTheStoreAsOneByOne() =>
        await Gen.Int[0, int.MaxValue]
            .SampleAsync(
                async seed =>
                {
                    using var together = new SqliteBench();
                    using var single = new SqliteBench();
                    var writes = await MixAsync(together, new(seed));
                    var same = await MixAsync(single, new(seed));

                    var written = await In30(together.Store.CommitAsync(writes));
                    var expected = new List<bool>();
                    foreach (var write in same)
                        expected.AddRange(await In30(single.Store.CommitAsync([write])));

                    Assert.That(written, Is.EqualTo(expected));
                    foreach (var table in Tables)
                        Assert.That(Rows(together, table), Is.EqualTo(Rows(single, table)), table);
                },
                iter: 40,
                threads: 1
            );

    [Test]
    public async Task RolledBack_TheSameGroupIsWrittenOnce()
    {
        var tickets = (await AppendAsync(Mail("m1"), Mail("m2"))).Tickets;
        await Bench.FillDiskAsync();
        var reply = new string('x', 900);
        var writes = tickets.Select(ticket =>
            Put(ticket, Now + 1_000) with
            {
                Events = [.. Enumerable.Range(0, 400).Select(_ => Told(reply))],
                Mark = new(ticket, 1, Permits(1, 1), Now),
            }
        );
        var commit = Store.CommitAsync([.. writes]);
        await Support.Eventually.BecomesAsync(() => Task.FromResult(Bench.Health.StoreTrouble), static trouble => trouble is not null);
        Bench.FreeDisk();

        Assert.That(await In30(commit), Is.EqualTo(new[] { true, true }));
        Assert.That(Look("m1").Events.Select(e => e.Sequence), Is.EqualTo(Enumerable.Range(1, 401)));
        Assert.That(Look("m2").Queue!.Attempt, Is.EqualTo(1));
        Assert.That(Rows(Bench, "limit_uses"), Has.Count.EqualTo(6));
    }

    private static NewEvent Told(string text) =>
        new(EventType.MessageDeferred, MessageState.Deferred, 1, System.Text.Encoding.UTF8.GetBytes($"\"reason\":\"{text}\""));

    /// <summary>Stores mail of all kinds, and settles it in ways that partly do not fit any more.</summary>
    private async Task<List<Settlement>> MixAsync(SqliteBench bench, Random random)
    {
        if (random.Next(3) == 0)
            await new SqlBatchStore(bench.Database, bench.Clock).SetSuspendedAsync("default", "b1", true, "ann");
        AcceptedMail[] mails =
        [
            .. Enumerable
                .Range(0, random.Next(2, 30))
                .Select(n =>
                    Mail($"m{n}", to: [.. Enumerable.Range(0, random.Next(1, 4)).Select(r => $"r{r}@example.com")]) with
                    {
                        Account = new(random.Next(1, 3)),
                        Batch = random.Next(2) == 0 ? "b1" : null,
                    }
                ),
        ];
        var tickets = (await In30(bench.Store.AppendNowAsync([Batch(mails)]))).Tickets;
        var writes = new List<Settlement>();
        foreach (var (ticket, mail) in tickets.Zip(mails))
        {
            switch (random.Next(8))
            {
                case 0:
                    await In30(bench.Store.ChangeAsync(mail.Key, new MessageChange.Cancel(), "ann", bench.Now));
                    break;
                case 1:
                    await In30(bench.Store.AppendNowAsync([Batch(mail with { ContentHash = [1], Body = new(Json("new"), null, 9) })]));
                    break;
                case 2:
                    await In30(bench.Store.ChangeAsync(mail.Key, new MessageChange.Hold(), "ann", bench.Now));
                    break;
            }

            var first = Any(ticket, mail, random);
            writes.Add(first);
            if (random.Next(4) == 0)
                writes.Add(first); // the same once more
            if (random.Next(4) == 0)
                writes.Add(Any(ticket with { Attempt = 1 }, mail, random)); // of the attempt after it
        }

        // Some of them come much later than the others of their message, others before.
        for (var n = random.Next(5); n > 0; n--)
        {
            var (from, to) = (random.Next(writes.Count), random.Next(writes.Count));
            (writes[from], writes[to]) = (writes[to], writes[from]);
        }

        return writes;
    }

    private Settlement Any(QueuedMail ticket, AcceptedMail mail, Random random)
    {
        var recipients = random.Next(0, mail.Recipients.Count + 1);
        var settlement = random.Next(4) switch
        {
            0 => Put(ticket, random.Next(2) * (Now + 1_000), recipients),
            1 => Held(ticket),
            2 => Failed(ticket),
            _ => Sent(ticket, recipients),
        };
        return settlement with
        {
            Events = [.. Enumerable.Range(0, random.Next(3)).Select(n => Told($"{n}"))],
            PossibleDuplicate = random.Next(2) == 0,
            Mark = random.Next(3) == 0 ? null : new(ticket, recipients, Permits(random.Next(3), 1, random.Next(2)), Now),
        };
    }

    private static List<string> Rows(SqliteBench bench, string table) =>
        bench.Database.Readers.Read(session =>
        {
            var columns = (int)session.QueryNumber($"SELECT count(*) FROM pragma_table_info('{table}')")!.Value;
            return session.Query(
                $"SELECT * FROM {table} ORDER BY 1, 2, 3",
                row => string.Join('|', Enumerable.Range(0, columns).Select(row.Value).Select(Text))
            );
        });

    private static string? Text(object? value) => value is byte[] blob ? Convert.ToHexString(blob) : value?.ToString();
}
