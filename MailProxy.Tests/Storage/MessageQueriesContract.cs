using System.Text;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What every store answers to people's questions.</summary>
internal abstract class MessageQueriesContract
{
    private static readonly MessageKey Key = new("default", "m1");

    protected abstract IMessageQueries Queries { get; }

    protected abstract Task<List<long>> SeedAsync(IEnumerable<SeedMessage> seeds);

    protected abstract Task PutAccountAsync(string id);

    protected abstract Task AppendEventAsync(long message, NewEvent e, long at);

    protected abstract Task<string> SpoolAsync(string json);

    [Test]
    public async Task Get_Unknown_IsNull()
    {
        await SeedAsync([new() { Id = "m1", Tenant = "other" }]);
        Assert.That(await Queries.GetAsync(Key), Is.Null);
    }

    [Test]
    public async Task Get_Known_TellsEverything()
    {
        var seed = new SeedMessage
        {
            Id = "m1",
            State = MessageState.Deferred,
            Account = 7,
            Priority = Priority.High,
            CreatedAt = 1_234,
            SendAt = 2_000,
            Due = 5_000,
            Attempts = 2,
            Batch = "b",
            Tags = """["t"]""",
            Metadata = """{"a":1}""",
            HoldReason = "r",
            Recipients = ["z@example.com", "a@example.com"],
        };
        var number = (await SeedAsync([seed])).Single();

        var view = await Queries.GetAsync(Key);
        RecipientView Refused(string address) => new(address, RecipientState.Failed, 550, "5.1.1", "No such user");
        Assert.Multiple(() =>
        {
            Assert.That(view!.Recipients, Is.EqualTo([Refused("z@example.com"), Refused("a@example.com")]));
            Assert.That(
                view with
                {
                    Recipients = [],
                },
                Is.EqualTo(
                    new MessageView(
                        number,
                        Key,
                        MessageState.Deferred,
                        3,
                        new(7),
                        Priority.High,
                        "ann@example.com",
                        "Grüße",
                        1_234,
                        2_000,
                        9_000,
                        5_000,
                        2,
                        "r",
                        true,
                        "<1@example.com>",
                        "b",
                        """["t"]""",
                        """{"a":1}""",
                        AmbiguousPolicy.Hold,
                        []
                    )
                )
            );
        });
    }

    [TestCase(MessageState.Queued, false, 0, MessageState.Queued, null)]
    [TestCase(MessageState.Scheduled, false, 500, MessageState.Scheduled, 500L)]
    [TestCase(MessageState.Deferred, false, 500, MessageState.Deferred, 500L)]
    [TestCase(MessageState.Deferred, false, 0, MessageState.Deferred, null)]
    [TestCase(MessageState.Deferred, true, 500, MessageState.Sending, null)]
    [TestCase(MessageState.Queued, true, 0, MessageState.Sending, null)]
    [TestCase(MessageState.Held, false, 500, MessageState.Held, null)]
    [TestCase(MessageState.Failed, false, 0, MessageState.Failed, null)]
    public async Task Get_EveryStanding_TellsStateAndNextAttempt(MessageState state, bool marked, long due, MessageState seen, long? next)
    {
        await SeedAsync([
            new()
            {
                Id = "m1",
                State = state,
                Marked = marked,
                Due = due,
            },
        ]);
        var view = await Queries.GetAsync(Key);
        Assert.That((view!.State, view.NextAttemptAt), Is.EqualTo((seen, next)));
    }

    [Test]
    public async Task List_AnyFilter_IsWhatTheFilterSays()
    {
        var seeds = MessageSeeds.Varied(120).ToList();
        var numbers = await SeedAsync(seeds);

        foreach (var filter in MessageSeeds.Filters())
        {
            var expected = seeds.Zip(numbers).Where(s => MessageSeeds.Matches(s.First, filter)).Select(s => s.Second).Reverse().ToList();
            var found = (await Queries.ListAsync(filter, 500, null)).Messages.Select(v => v.Number);
            Assert.That(found, Is.EqualTo(expected), filter.ToString());
        }
    }

    [Test]
    public async Task List_PageByPage_LeavesNothingOutAndRepeatsNothing()
    {
        var seeds = MessageSeeds.Varied(120).ToList();
        var numbers = await SeedAsync(seeds);
        MessageFilter[] filters =
        [
            new(null),
            new("default", To: "bob@example.com"),
            new("default", MessageState.Queued),
            new("default", MessageState.Failed),
            new("default", Batch: "b1"),
        ];

        foreach (var filter in filters)
        {
            var found = new List<long>();
            long? before = null;
            while (true)
            {
                var page = await Queries.ListAsync(filter, 3, before);
                Assert.That(page.Messages, Has.Count.LessThanOrEqualTo(3));
                found.AddRange(page.Messages.Select(v => v.Number));
                before = page.Next;
                if (before is null)
                    break;
            }

            var expected = seeds.Zip(numbers).Where(s => MessageSeeds.Matches(s.First, filter)).Select(s => s.Second).Reverse();
            Assert.That(found, Is.EqualTo(expected), filter.ToString());
        }
    }

    [Test]
    public async Task Counts_EveryStanding_AreWhatThereIs()
    {
        const long now = 100_000;
        var seeds = MessageSeeds.Varied(300).ToList();
        await SeedAsync(seeds);

        var counts = await Queries.CountsAsync(now);
        var expected = seeds
            .Where(s => !s.State.IsFinal())
            .GroupBy(s => (s.Seen, s.Priority))
            .Select(g => (g.Key.Seen, g.Key.Priority, g.LongCount()));
        var ready = seeds
            .Where(s => s is { Marked: false, State: MessageState.Queued or MessageState.Scheduled or MessageState.Deferred })
            .ToList();
        long DueAt(SeedMessage s) => s.Due > 0 ? s.Due : s.CreatedAt;
        var late = ready.Where(s => DueAt(s) <= now - 60_000).ToList();
        Assert.Multiple(() =>
        {
            Assert.That(late, Is.Not.Empty.And.Count.LessThan(ready.Count), "the seeds must be able to tell");
            Assert.That(counts.Depth, Is.EquivalentTo(expected));
            Assert.That(counts.OldestDue, Is.EqualTo(ready.Min(DueAt)));
            Assert.That(counts.Overdue, Is.EqualTo(late.Count));
            Assert.That(
                counts.OverdueByLane,
                Is.EquivalentTo(late.GroupBy(s => s.Account).Select(g => (new LaneKey(g.Key), g.LongCount())))
            );
        });
    }

    [Test]
    public async Task Counts_Empty_IsNothing()
    {
        var counts = await Queries.CountsAsync(100_000);
        Assert.That((counts.Depth.Count, counts.OldestDue, counts.Overdue), Is.EqualTo((0, (long?)null, 0L)));
    }

    [Test]
    public async Task Counts_OnlyLaterMail_HasNoOldestDue()
    {
        await SeedAsync([
            new()
            {
                Id = "m1",
                State = MessageState.Scheduled,
                Due = 200_000,
            },
        ]);
        var counts = await Queries.CountsAsync(100_000);
        Assert.That((counts.OldestDue, counts.Overdue), Is.EqualTo(((long?)null, 0L)));
    }

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
