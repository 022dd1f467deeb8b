using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>Where a message stands in its lane, and which message a Message-ID belongs to.</summary>
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class MessageSearchTests<TBench> : MessageStoreContract<TBench>
    where TBench : SqlBench, new()
{
    private new const long Now = 40_000;

    private IMessageQueries Queries => Bench.Queries;

    [Test]
    public async Task Position_OfEveryMessage_IsHowManyTheLaneSendsBefore()
    {
        var seeds = MessageSeeds.Varied(300).ToList();
        var numbers = await Bench.SeedAsync(seeds);
        var ready = Bench.Data.Readers.Read(static session =>
            session.Query(
                "SELECT message, lane, priority, due, flow FROM queue WHERE state = 0 AND due <= 40000",
                static row => (Message: row.Long(0), Lane: row.Int(1), Priority: row.Int(2), Due: row.Long(3), Flow: row.Long(4))
            )
        );
        var expected = new Dictionary<long, long>();
        foreach (var lane in ready.GroupBy(static row => row.Lane))
        {
            var order = new List<long>();
            foreach (var priority in lane.GroupBy(static row => row.Priority).OrderBy(static group => group.Key))
            {
                var batches = new List<Queue<long>>();
                foreach (var batch in priority.GroupBy(static row => row.Flow).OrderBy(static group => group.Key))
                {
                    var fresh = new Queue<long>(batch.Where(row => row.Due == 0).Select(row => row.Message).Order());
                    var deferred = new Queue<long>(
                        batch.Where(row => row.Due > 0).OrderBy(row => row.Due).ThenBy(row => row.Message).Select(row => row.Message)
                    );
                    batches.Add(new());
                    for (var turn = 0; fresh.Count + deferred.Count > 0; turn++)
                        batches[^1]
                            .Enqueue((turn % 2 == 0 && fresh.Count > 0) || deferred.Count == 0 ? fresh.Dequeue() : deferred.Dequeue());
                }

                while (batches.Sum(static batch => batch.Count) > 0)
                    order.AddRange(batches.Where(static batch => batch.Count > 0).Select(static batch => batch.Dequeue()));
            }

            for (var i = 0; i < order.Count; i++)
                expected[order[i]] = i;
        }

        Assert.That(expected, Has.Count.GreaterThan(50));
        foreach (var number in numbers)
        {
            var position = await Queries.PositionAsync(number, Now);
            Assert.That(position, Is.EqualTo(expected.TryGetValue(number, out var ahead) ? new LanePosition(ahead, false) : null));
        }
    }

    [Test]
    public async Task ByMessageId_EveryKind_FindsItsMessages()
    {
        var numbers = await Bench.SeedAsync([
            new() { Id = "abc" },
            new() { Id = "a" },
            new() { Id = "own", Tenant = "other" },
            new() { Id = "abc", Tenant = "other" },
            new() { Id = "x@y" },
            new() { Id = "twice" },
        ]);
        string[] headers =
        [
            "<abc@x.example>",
            "<abc@x.example>",
            "<given@x.example>",
            "<abc@x.example>",
            "<x@y@z.example>",
            "<x@y@z.example>",
        ];
        for (var i = 0; i < headers.Length; i++)
            await Bench.RunAsync($"UPDATE messages SET message_id_header = '{headers[i]}' WHERE number = {numbers[i]}");
        await Bench.Configuration.PutTenantAsync(new() { Id = "other", Name = "other" }, "ann");

        async Task<List<string>> Find(string? tenant, string header, int limit = 10, long? before = null) =>
            [
                .. (await Queries.ByMessageIdAsync(tenant, header, limit, before)).Messages.Select(view =>
                    $"{view.Key.Tenant}/{view.Key.Id}"
                ),
            ];
        Assert.Multiple(async () =>
        {
            Assert.That(await Find("default", "<abc@x.example>"), Is.EqualTo(["default/a", "default/abc"]));
            Assert.That(await Find("other", "<abc@x.example>"), Is.EqualTo(["other/abc"]));
            Assert.That(await Find(null, "<abc@x.example>"), Is.EqualTo(["other/abc", "default/a", "default/abc"]));
            Assert.That(await Find("other", "<given@x.example>"), Is.EqualTo(["other/own"]));
            Assert.That(await Find("default", "<given@x.example>"), Is.Empty);
            Assert.That(await Find("default", "<x@y@z.example>"), Is.EqualTo(["default/twice", "default/x@y"]));
            Assert.That(await Find("default", "abc"), Is.Empty);
            var first = await Queries.ByMessageIdAsync(null, "<abc@x.example>", 2, null);
            Assert.That(await Find(null, "<abc@x.example>", 2, first.Next), Is.EqualTo(["default/abc"]), "the next page goes on");
        });
    }
}
