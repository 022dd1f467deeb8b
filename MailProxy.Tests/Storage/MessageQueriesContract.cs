using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What every store answers to people's questions.</summary>
[TestOf(typeof(IMessageQueries))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class MessageQueriesContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private static readonly MessageKey Key = new("default", "m1");

    private IMessageQueries Queries => Bench.Queries;

    private Task<List<long>> SeedAsync(IEnumerable<SeedMessage> seeds) => Bench.SeedAsync(seeds);

    // A page, and a step of counting, end early on a machine that is slow.
    private async Task<List<long>> AllAsync(MessageFilter filter, int limit)
    {
        var found = new List<long>();
        for (long? before = null; ; )
        {
            var page = await Queries.ListAsync(filter, limit, before);
            found.AddRange(page.Messages.Select(static view => view.Number));
            if ((before = page.Next) is null)
                return found;
        }
    }

    private async Task<Dictionary<MessageState, long>> CountAsync(MessageFilter filter)
    {
        var counts = new Dictionary<MessageState, long>();
        for (long? before = long.MaxValue; before is { } next; )
        {
            var step = await Queries.CountAsync(filter, next);
            foreach (var (state, count) in step.ByState)
                counts[state] = counts.GetValueOrDefault(state) + count;
            before = step.Next;
        }

        return counts;
    }

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
                    {
                        WaitsIn = new LaneKey(7),
                    }
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
    public async Task Get_EveryStanding_TellsStateAndNextAttempt(MessageState state, bool begun, long due, MessageState seen, long? next)
    {
        await SeedAsync([
            new()
            {
                Id = "m1",
                State = state,
                Begun = begun,
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
            Assert.That(await AllAsync(filter, 500), Is.EqualTo(expected), filter.ToString());
        }
    }

    [Test]
    public async Task List_AnySearch_IsWhatItsWordsSayPageByPage()
    {
        await Bench.Configuration.PutTenantAsync(new() { Id = "other", Name = "other" }, "ann");
        var seeds = MessageSeeds.Varied(120).ToList();
        var numbers = await SeedAsync(seeds);

        foreach (var filter in MessageSeeds.Searches())
        {
            var expected = seeds.Zip(numbers).Where(s => MessageSeeds.Matches(s.First, filter)).Select(s => s.Second).Reverse().ToList();
            var found = await AllAsync(filter, 25);
            Assert.That(found, Is.EqualTo(expected), $"{filter} {string.Join(" and ", filter.Terms)}");
            var states = seeds.Zip(numbers).Where(s => found.Contains(s.Second)).GroupBy(static s => s.First.Seen);
            Assert.That(await CountAsync(filter), Is.EquivalentTo(states.ToDictionary(static s => s.Key, static s => (long)s.Count())));
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
            .Where(s => s is { Begun: false, State: MessageState.Queued or MessageState.Scheduled or MessageState.Deferred })
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
}
