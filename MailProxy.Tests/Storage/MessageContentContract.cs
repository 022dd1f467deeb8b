using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What every store tells of the content of a message, and of its events.</summary>
[TestOf(typeof(IMessageQueries))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class MessageContentContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private static readonly MessageKey Key = new("default", "m1");

    private IMessageQueries Queries => Bench.Queries;

    private Task<List<long>> SeedAsync(IEnumerable<SeedMessage> seeds) => Bench.SeedAsync(seeds);

    private Task AppendEventAsync(long message, NewEvent e, long at) => Bench.AppendEventAsync(message, e, at);

    private Task<string> SpoolAsync(string json) => Bench.Spool.WriteAsync(Encoding.UTF8.GetBytes(json));

    [Test]
    public async Task Events_OfAMessage_InSequenceWithWhatTheMessageSays()
    {
        await PutAccountAsync("relay");
        var numbers = await SeedAsync([
            new()
            {
                Id = "m1",
                Batch = "b",
                Tags = """["t"]""",
                Metadata = """{"a":1}""",
                State = MessageState.Sent,
            },
            new() { Id = "m2" },
        ]);
        await AppendEventAsync(numbers[0], new(EventType.MessageQueued, MessageState.Queued, 0, null), 10);
        await AppendEventAsync(numbers[1], new(EventType.MessageQueued, MessageState.Queued, 0, null), 11);
        await AppendEventAsync(numbers[0], new(EventType.MessageSent, MessageState.Sent, 1, "\"x\":1"u8.ToArray()), 12);

        var all = await Queries.EventsAsync(Key, 0, 10);
        var sent = all![1];
        Assert.Multiple(() =>
        {
            Assert.That(all.Select(e => (e.Sequence, e.Type)), Is.EqualTo([(1, EventType.MessageQueued), (2, EventType.MessageSent)]));
            Assert.That(
                (sent.Tenant, sent.MessageId, sent.At, sent.Status, sent.Account, sent.Attempt, sent.Batch, sent.Tags, sent.Metadata),
                Is.EqualTo(("default", "m1", 12L, MessageState.Sent, "relay", 1, "b", """["t"]""", """{"a":1}"""))
            );
            Assert.That(Encoding.UTF8.GetString(sent.Detail.Span), Is.EqualTo("\"x\":1"));
            Assert.That(all[0].Detail.IsEmpty, Is.True);
        });
    }

    [Test]
    public async Task Events_AfterASequence_AreTheRest()
    {
        var numbers = await SeedAsync([new() { Id = "m1" }]);
        for (var i = 0; i < 5; i++)
            await AppendEventAsync(numbers[0], new(EventType.MessageDeferred, MessageState.Deferred, i, null), i);
        Assert.That((await Queries.EventsAsync(Key, 2, 2))!.Select(e => e.Sequence), Is.EqualTo([3, 4]));
    }

    [Test]
    public async Task Events_NoSuchMessage_IsNull() => Assert.That(await Queries.EventsAsync(Key, 0, 10), Is.Null);

    [Test]
    public async Task Content_Known_HasEveryRecipient()
    {
        await SeedAsync([
            new()
            {
                Id = "m1",
                State = MessageState.Failed,
                Attempts = 2,
                Recipients = ["z@example.com", "a@example.com"],
                Body = """{"text":"ü"}""",
            },
        ]);
        var content = await Queries.ContentAsync(Key);
        Assert.Multiple(() =>
        {
            Assert.That(Encoding.UTF8.GetString(content!.Json.Span), Is.EqualTo("""{"text":"ü"}"""));
            Assert.That(content.Slice, Is.EqualTo([new SliceRecipient(0, "z@example.com"), new SliceRecipient(1, "a@example.com")]));
            Assert.That(
                (content.Key, content.EnvelopeSender, content.MessageIdHeader, content.CreatedAt, content.OnAmbiguous),
                Is.EqualTo((Key, "ann@example.com", "<1@example.com>", 1_000L, AmbiguousPolicy.Hold))
            );
            Assert.That(
                (content.Standing.Attempts, content.Standing.PossibleDuplicate, content.Standing.ExpiresAt),
                Is.EqualTo((2, true, 9_000L))
            );
        });
    }

    [Test]
    public async Task Content_InSpoolFile_IsReadFromIt()
    {
        await SeedAsync([new() { Id = "m1", SpoolFile = await SpoolAsync("""{"text":"large"}""") }]);
        Assert.That(Encoding.UTF8.GetString((await Queries.ContentAsync(Key))!.Json.Span), Is.EqualTo("""{"text":"large"}"""));
    }

    [Test]
    public async Task Content_SpoolFileLost_IsToldAndNotCalledPurged()
    {
        await SeedAsync([new() { Id = "m1", SpoolFile = "lost" }]);
        Assert.That(() => Queries.ContentAsync(Key), Throws.InstanceOf<IOException>());
    }

    [Test]
    public async Task Content_Purged_Throws()
    {
        await SeedAsync([
            new()
            {
                Id = "m1",
                State = MessageState.Sent,
                Body = null,
            },
        ]);
        Assert.That(() => Queries.ContentAsync(Key), Throws.TypeOf<BodyPurgedException>());
        Assert.That(await Queries.GetAsync(Key), Is.Not.Null);
    }

    [Test]
    public async Task Content_NoSuchMessage_IsNull() => Assert.That(await Queries.ContentAsync(Key), Is.Null);
}
