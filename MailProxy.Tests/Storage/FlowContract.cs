using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>How a lane is read that has mail of several batches: as much of each.</summary>
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class FlowContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private LaneCursor _cursor = null!;
    private int _mails;

    [SetUp]
    public void Begin() => (_cursor, _mails) = (new(), 0);

    [Test]
    public async Task Claim_LargeAndSmallBatch_GiveEqualParts()
    {
        await WaitingAsync("large", 40);
        await WaitingAsync("small", 4);
        await WaitingAsync(null, 10);

        var page = await ClaimAsync(12);

        Assert.That(page.More, Is.True);
        Assert.That(Counts(page), Is.EquivalentTo(new[] { ("large", 4), ("small", 4), ("", 4) }));
        Assert.That(page.Left, Is.EquivalentTo(new[] { Of("large"), Of(null) }));
        foreach (var batch in page.Tickets.GroupBy(static ticket => ticket.Flow))
            Assert.That(batch.Select(static ticket => ticket.Id), Is.Ordered.Ascending);
    }

    [Test]
    public async Task Claim_MoreBatchesThanAreWanted_GoesOnWithTheOthers()
    {
        for (var i = 0; i < 10; i++)
            await WaitingAsync($"b{i}", 3);

        var pages = new List<ClaimedPage>();
        for (var i = 0; i < 5; i++)
            pages.Add(await ClaimAsync(4, cursor: _cursor));

        Assert.That(pages, Has.All.Matches<ClaimedPage>(static page => page.More && page.Tickets.Count == 4));
        var counts = pages.SelectMany(static page => page.Tickets).CountBy(static ticket => ticket.Flow).Select(static flow => flow.Value);
        Assert.That(counts, Is.EqualTo(Enumerable.Repeat(2, 10)));
    }

    [Test]
    public async Task Claim_ManyBatches_GoesRoundAndNobodyGivesMoreThanAFew()
    {
        await WaitingAsync("large", 100);
        await ManyAsync("one", 300);

        var (large, others) = (0, 0);
        var seen = new HashSet<long>();
        while (others < 300)
        {
            Assert.That(large, Is.LessThanOrEqualTo(4), "a part a round, and the round is not over");
            var page = await ClaimAsync(32, cursor: _cursor);
            Assert.That(page.Tickets, Is.Not.Empty);
            Assert.That(page.Tickets.Select(static ticket => ticket.Id).All(seen.Add), Is.True);
            large += page.Tickets.Count(IsLarge);
            others += page.Tickets.Count(static ticket => !IsLarge(ticket));
        }

        Assert.That((await ClaimAsync(32, cursor: _cursor)).Tickets, Has.Count.EqualTo(32).And.All.Matches<QueuedMail>(IsLarge));

        static bool IsLarge(QueuedMail ticket) => ticket.Flow == FlowKey.Of("large");
    }

    [Test]
    public async Task Claim_BatchesThatComeDuringALongRound_WaitForTheNext()
    {
        await ManyAsync("old", 200);
        var first = await ClaimAsync(50, cursor: _cursor);
        await ManyAsync("new", 200);

        var all = new List<long>(first.Tickets.Select(static ticket => ticket.Id));
        while (all.Count < 400)
            all.AddRange((await ClaimAsync(50, cursor: _cursor)).Tickets.Select(static ticket => ticket.Id));

        Assert.That(all[..200], Is.All.LessThanOrEqualTo(200));
        Assert.That(all[200..], Is.All.GreaterThan(200));
        Assert.That(all, Is.Unique);
    }

    [Test]
    public async Task Claim_NothingIsLeftOfALongRound_BeginsTheNext()
    {
        await ManyAsync("old", 100);
        var first = await ClaimAsync(50, cursor: _cursor);
        await ManyAsync("new", 100);
        foreach (var ticket in first.Tickets)
            Store.Release(ticket);
        for (var number = 1; number <= 100; number++)
            await ChangeAsync($"old{number - 1}-{number}", new MessageChange.Cancel());
        _cursor.StandAfter(Priority.Medium, new(-1));

        Assert.That((await ClaimAsync(50, cursor: _cursor)).Tickets, Has.Count.GreaterThan(40));
    }

    [Test]
    public async Task Claim_ManyBatchesOfAPriority_LeaveTheLowerOnesUntilTheyAreOver()
    {
        await ManyAsync("high", 100);
        await WaitingAsync("low", 50, Priority.Low);

        for (var claimed = 0; claimed < 100; )
        {
            var page = await ClaimAsync(32, cursor: _cursor);
            var before = claimed;
            claimed += page.Tickets.Count(static ticket => ticket.Priority == Priority.Medium);
            Assert.That(claimed - before == page.Tickets.Count || claimed == 100, Is.True);
        }
    }

    [Test]
    public async Task Claim_CursorStoodBack_BeginsWithThatBatch()
    {
        for (var i = 0; i < 3; i++)
            await WaitingAsync($"b{i}", 3);
        var order = (await ClaimAsync(3, cursor: _cursor)).Tickets;
        foreach (var ticket in order)
            Store.Release(ticket);

        _cursor.StandAfter(Priority.Medium, order[0].Flow);

        Assert.That(
            (await ClaimAsync(3, cursor: _cursor)).Tickets.Select(static ticket => ticket.Flow),
            Is.EqualTo(new[] { order[1].Flow, order[2].Flow, order[0].Flow })
        );
    }

    [Test]
    public async Task Claim_EnoughOfABatch_LeavesItOut()
    {
        await WaitingAsync("large", 40);
        await WaitingAsync("small", 4);
        await WaitingAsync("large", 1, Priority.High);

        var page = await ClaimAsync(12, enough: new HashSet<(Priority, FlowKey)> { Of("large") });

        Assert.That(Counts(page), Is.EquivalentTo(new[] { ("large", 1), ("small", 4) }));
        Assert.That((await ClaimAsync(12, enough: new HashSet<(Priority, FlowKey)> { Of("large") })).Tickets, Is.Empty);
    }

    [Test]
    public async Task Claim_ScheduledForTheSameTime_GiveEqualParts()
    {
        await WaitingAsync("large", 40, sendAt: Now + 1000);
        await WaitingAsync("small", 5, sendAt: Now + 1000);
        await WaitingAsync("later", 5, sendAt: Now + 9000);
        Bench.Clock.Advance(TimeSpan.FromSeconds(1));

        var page = await ClaimAsync(10);

        Assert.That(Counts(page), Is.EquivalentTo(new[] { ("large", 5), ("small", 5) }));
        Assert.That((page.More, page.NextDue), Is.EqualTo((true, Now + 8000)));
        Assert.That(page.Tickets.Select(static ticket => ticket.Id), Is.Unique);
    }

    [Test]
    public async Task Claim_EnoughOfWhatIsDueFirst_FindsTheOthers()
    {
        await WaitingAsync("large", 200, sendAt: Now + 1000);
        await WaitingAsync("small", 3, sendAt: Now + 2000);
        Bench.Clock.Advance(TimeSpan.FromSeconds(2));

        var page = await ClaimAsync(8, enough: new HashSet<(Priority, FlowKey)> { Of("large") });

        Assert.That(Counts(page), Is.EquivalentTo(new[] { ("small", 3) }));
    }

    [Test]
    public async Task Claim_AmongManyBatchesThatAreNotDue_FindsWhatIs()
    {
        await ManyAsync("later", 900, sendAt: Now + 3_600_000);
        await WaitingAsync("large", 60, sendAt: Now + 1000);
        await WaitingAsync("small", 20, sendAt: Now + 1000);
        Bench.Clock.Advance(TimeSpan.FromSeconds(1));

        var found = new List<QueuedMail>();
        while (found.Count < 80)
        {
            var page = await ClaimAsync(20, cursor: _cursor);
            Assert.That(page.Tickets, Is.Not.Empty);
            found.AddRange(page.Tickets);
        }

        Assert.That(found.Select(static ticket => ticket.Id), Is.Unique);
        Assert.That(found, Has.All.Matches<QueuedMail>(ticket => ticket.Due <= Now));
    }

    [Test]
    public async Task Claim_ManyBatchesThatAreClaimed_IsTriedUntilNoneIsLeftAndNoLonger()
    {
        await ManyAsync("mine", 2_000);
        while ((await ClaimAsync(500, cursor: _cursor)) is { More: true }) { }
        await ManyAsync("later", 3, Now + 1000);

        var questions = 0;
        ClaimedPage page;
        do page = await ClaimAsync(32, cursor: _cursor);
        while (page is { More: true } && ++questions < 50);

        Assert.That((page.More, page.Tickets.Count, page.NextDue), Is.EqualTo((false, 0, Now + 1000)));
        Assert.That(questions, Is.LessThan(10));
    }

    [Test]
    public async Task Claim_MailThatWasMovedTriedAndReleased_IsStillOfItsBatch()
    {
        await WaitingAsync("b7", 3);
        await ChangeAsync("b7-1", new MessageChange.Reroute(new(2), null, null));
        await ChangeAsync("b7-2", new MessageChange.Hold());
        await ChangeAsync("b7-2", new MessageChange.Release());
        var tried = (await ClaimAsync()).Tickets.Single(ticket => ticket.Id == 3);
        await SettleAsync(Failed(tried));
        Store.Release(tried);
        await ChangeAsync("b7-3", new MessageChange.Retry(Now + 432_000_000));
        var moved = (await ClaimAsync(lane: new LaneKey(2))).Tickets;
        await ChangeAsync("b7-1", new MessageChange.Reroute(Account, null, null));
        foreach (var ticket in moved)
            Store.Release(ticket);

        QueuedMail[] all = [.. (await ClaimAsync()).Tickets, .. moved];

        Assert.That(all.Select(static ticket => ticket.Id).Distinct(), Is.EquivalentTo(new[] { 1L, 3L }));
        Assert.That(all.Select(static ticket => ticket.Flow), Is.All.EqualTo(FlowKey.Of("b7")));
    }

    private static (Priority, FlowKey) Of(string? batch) => (Priority.Medium, FlowKey.Of(batch));

    private static IEnumerable<(string Batch, int Count)> Counts(ClaimedPage page) =>
        page
            .Tickets.CountBy(static ticket => ticket.Flow)
            .Select(static flow =>
                (new[] { "large", "small", "later" }.FirstOrDefault(name => FlowKey.Of(name) == flow.Key, ""), flow.Value)
            );

    // A batch of one mail each.
    private Task ManyAsync(string name, int count, long? sendAt = null) =>
        StoreAsync(Enumerable.Range(0, count).Select(i => Next($"{name}{i}", Priority.Medium, sendAt)));

    private Task WaitingAsync(string? batch, int count, Priority priority = Priority.Medium, long? sendAt = null) =>
        StoreAsync(Enumerable.Range(0, count).Select(_ => Next(batch, priority, sendAt)));

    private AcceptedMail Next(string? batch, Priority priority, long? sendAt) =>
        Mail($"{batch}-{++_mails}", priority: priority, sendAt: sendAt) with
        {
            Batch = batch,
        };

    private async Task StoreAsync(IEnumerable<AcceptedMail> mails)
    {
        foreach (var ticket in (await AppendAsync([.. mails])).Tickets)
            Store.Release(ticket);
    }
}
