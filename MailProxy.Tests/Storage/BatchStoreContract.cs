using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What every store of batches does.</summary>
[TestOf(typeof(IBatchStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class BatchStoreContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private readonly List<MessageKey> _seeded = [];

    private IBatchStore Batches => Bench.Batches;

    [SetUp]
    public void Forget() => _seeded.Clear();

    private async Task<List<long>> SeedAsync(params (string Tenant, string? Batch, MessageState State)[] seeds)
    {
        var made = seeds
            .Select(
                (seed, i) =>
                    new SeedMessage
                    {
                        Id = $"s{_seeded.Count + i}",
                        Tenant = seed.Tenant,
                        Batch = seed.Batch,
                        State = seed.State == MessageState.Sending ? MessageState.Queued : seed.State,
                        Begun = seed.State == MessageState.Sending,
                    }
            )
            .ToList();
        _seeded.AddRange(made.Select(static seed => new MessageKey(seed.Tenant, seed.Id)));
        return await Bench.SeedAsync(made);
    }

    /// <summary>Of the seeds' rows in the queue: 0 ready, 2 held, 3 set aside because the batch is suspended.</summary>
    private IEnumerable<int> States() => _seeded.Select(key => Bench.Look(key.Id, key.Tenant)!.Queue!.State);

    private int StateOf(string id) => Look(id).Queue!.State;

    private Task SuspendAsync(string batch, bool suspended = true) => Batches.SetSuspendedAsync("default", batch, suspended, "ann");

    // Two nodes may decide at the same time; a batch takes several turns.
    [Test]
    public async Task Suspend_AndActivateAtOnce_MailStandsAsTheBatchDoes()
    {
        await SeedAsync([.. Enumerable.Repeat(("default", (string?)"news", MessageState.Queued), 2_500)]);
        for (var round = 0; round < 5; round++)
        {
            await Task.WhenAll(SuspendAsync("news"), SuspendAsync("news", false), SuspendAsync("news"), SuspendAsync("news", false));
            var isSuspended = await Batches.CountSuspendedAsync("default") == 1;
            var some = Enumerable.Range(0, 26).Select(static i => i * 100 - (i == 25 ? 1 : 0)); // of each turn, the first and the last
            Assert.That(some.Select(i => StateOf($"s{i}")).Distinct(), Is.EqualTo(new[] { isSuspended ? 3 : 0 }));
        }
    }

    [Test]
    public async Task Suspend_ThenActivate_MovesTheBatchsReadyMailOnly()
    {
        await SeedAsync(
            ("default", "news", MessageState.Queued),
            ("default", "news", MessageState.Sending),
            ("default", "news", MessageState.Held),
            ("default", "other", MessageState.Queued),
            ("default", null, MessageState.Queued),
            ("acme", "news", MessageState.Queued)
        );

        await SuspendAsync("news");
        Assert.That(States(), Is.EqualTo(new[] { 3, 3, 2, 0, 0, 0 }));
        Assert.That(
            (await Bench.Queries.CountsAsync(10_000_000)).Depth,
            Is.EquivalentTo(
                new[]
                {
                    (MessageState.Queued, Priority.Medium, 4L),
                    (MessageState.Sending, Priority.Medium, 1L),
                    (MessageState.Held, Priority.Medium, 1L),
                }
            ),
            "what is on its way goes on, and is set aside when it comes back"
        );

        await SuspendAsync("news", false);
        Assert.That(States(), Is.EqualTo(new[] { 0, 0, 2, 0, 0, 0 }));
    }

    [Test]
    public async Task Suspend_WhatWasChosenAndHasNotBegun_GoesBack()
    {
        var ticket = await TicketAsync(Mail("m1") with { Batch = "news" });

        await SuspendAsync("news");
        await SuspendAsync("news", false);

        Assert.That(Marks.TryBegin(ticket), Is.False);
        Store.Release(ticket);
        Assert.That((await ClaimAsync()).Tickets, Has.Count.EqualTo(1), "once it is given back it may be chosen again");
    }

    [Test]
    public async Task Weigh_IsShownAndKeptUntilItIsOneAgain()
    {
        await SeedAsync(("default", "news", MessageState.Queued), ("acme", "news", MessageState.Queued));
        Assert.That(await Batches.SetWeightAsync("default", "news", 5, "ann"), Is.True);
        Assert.That(await Batches.SetWeightAsync("default", "early", 7, "ann"), Is.True);
        await SuspendAsync("news");

        Assert.That((await Batches.BatchAsync("default", "news"))!.Weight, Is.EqualTo(5));
        Assert.That((await Batches.BatchAsync("acme", "news"))!.Weight, Is.EqualTo(1));
        Assert.That((await Batches.BatchAsync("default", "early"))!.Counts, Is.Empty);
        Assert.That((await Batches.WeightsAsync(null)).Select(static one => one.Weight), Is.EquivalentTo(new[] { 5, 7 }));
        Assert.That(await Batches.WeightsAsync("acme"), Is.Empty);
        var (names, _) = await Batches.ListAsync(null, ("", ""), 10);
        Assert.That(
            names.Select(static name => (name.Tenant, name.Id, name.SuspendedAt is not null, name.Weight)),
            Is.EqualTo(new[] { ("default", "early", false, 7), ("acme", "news", false, 1), ("default", "news", true, 5) })
        );

        await Batches.SetWeightAsync("default", "early", 1, "ann");
        Assert.That(await Batches.BatchAsync("default", "early"), Is.Null);
    }

    [Test]
    public async Task Weigh_AsManyAsMayBe_ThoseThatNobodyNamesForAWeekGoFirst()
    {
        await SeedAsync(("default", "news", MessageState.Queued));
        Assert.That(await Batches.SetWeightAsync("default", "news", 2, "ann"), Is.True);
        var others = Enumerable.Range(1, 999).Select(i => Batches.SetWeightAsync("default", $"b{i}", 2, "ann"));
        Assert.That(await Task.WhenAll(others), Has.All.True);
        Assert.That(await Batches.SetWeightAsync("default", "more", 2, "ann"), Is.False);
        Assert.That(await Batches.SetWeightAsync("default", "b1", 3, "ann"), Is.True, "one that has one");
        Assert.That(await Batches.SetWeightAsync("acme", "more", 2, "ann"), Is.True, "another tenant");

        Bench.Clock.Advance(TimeSpan.FromDays(8));
        Assert.That(await Batches.SetWeightAsync("default", "more", 2, "ann"), Is.True);
        Assert.That(
            (await Batches.WeightsAsync("default")).Select(static one => one.Batch),
            Is.EquivalentTo(new[] { "news", "more" }),
            "what messages name stays"
        );
        Bench.Clock.Advance(TimeSpan.FromDays(8));
        await Batches.RepairAsync();
        Assert.That((await Batches.WeightsAsync(null)).Select(static one => one.Batch), Is.EqualTo(new[] { "news" }));
    }

    [Test]
    public async Task Suspended_MailThatBecomesReady_IsSetAside()
    {
        var ticket = await TicketAsync(Mail("m1") with { Batch = "news" });
        Store.Release(ticket);
        await ChangeAsync("m1", new MessageChange.Hold());
        await SuspendAsync("news");
        await AppendAsync(Mail("m2") with { Batch = "news" }, Mail("m3") with { Batch = "other" });
        Assert.That((StateOf("m1"), StateOf("m2"), StateOf("m3")), Is.EqualTo((2, 3, 0)));

        await ChangeAsync("m1", new MessageChange.Release());
        Assert.That(StateOf("m1"), Is.EqualTo(3));
        await ChangeAsync("m1", new MessageChange.Hold());
        Assert.That(StateOf("m1"), Is.EqualTo(2), "a hold is a hold");
    }

    [Test]
    public async Task Suspend_ManyChunks_MovesThemAll()
    {
        await SeedAsync([.. Enumerable.Repeat(("default", (string?)"news", MessageState.Queued), 2_500)]);
        await SuspendAsync("news");
        Assert.That((await Bench.Queries.CountsAsync(10_000_000)).Overdue, Is.Zero);
        await SuspendAsync("news", false);
        Assert.That((await Bench.Queries.CountsAsync(10_000_000)).Overdue, Is.EqualTo(2_500));
    }

    [Test]
    public async Task Repair_CrashInBetween_IsFinished()
    {
        var numbers = await SeedAsync(("default", "news", MessageState.Queued), ("default", "other", MessageState.Queued));
        await Bench.Damage.HalfActivateAsync(numbers[1]);
        await Bench.Damage.HalfSuspendAsync("default", "news");
        Bench.Crash();

        await Batches.RepairAsync();
        Assert.That(States(), Is.EqualTo(new[] { 3, 0 }));
    }

    [Test]
    public async Task Batch_Known_CountsWhatBecameOfIt()
    {
        await SeedAsync(
            ("default", "news", MessageState.Sent),
            ("default", "news", MessageState.Queued),
            ("default", "news", MessageState.Sending),
            ("acme", "news", MessageState.Queued)
        );
        var view = (await Batches.BatchAsync("default", "news"))!;
        Assert.That(view.SuspendedAt, Is.Null);
        Assert.That(view.Counts, Is.EquivalentTo(new[] { (MessageState.Queued, 1L), (MessageState.Sending, 1L), (MessageState.Sent, 1L) }));
        Assert.That(await Batches.BatchAsync("default", "nobody"), Is.Null);
    }

    [Test]
    public async Task Batch_SuspendedBeforeItsMail_IsThere()
    {
        await SuspendAsync("later");
        Assert.That((await Batches.BatchAsync("default", "later"))?.SuspendedAt, Is.EqualTo(Now));
        Assert.That((await Batches.CountSuspendedAsync("default"), await Batches.CountSuspendedAsync("acme")), Is.EqualTo((1, 0)));
        await SuspendAsync("later", false);
        Assert.That(await Batches.BatchAsync("default", "later"), Is.Null);
    }

    [Test]
    public async Task Audit_Changes_AreWrittenOnce()
    {
        foreach (var suspended in (bool[])[true, true, false, false])
            await SuspendAsync("news", suspended);
        Assert.That(
            Bench.Audit().Select(static a => (a.Actor, a.Action, a.Subject)),
            Is.EqualTo(new[] { ("ann", "batch.suspend", "batch/default/news"), ("ann", "batch.activate", "batch/default/news") })
        );
    }

    [Test]
    public async Task List_NamedAndSuspended_OfOneTenantByNamePageByPage()
    {
        string?[] batches = ["b", "b", "d", null];
        await SeedAsync([.. batches.Select(static batch => ("default", batch, MessageState.Queued))]);
        await SeedAsync(("acme", "c", MessageState.Queued), ("acme", "a", MessageState.Queued));
        foreach (var batch in new[] { "c", "d", "e" })
            await SuspendAsync(batch);
        var (first, next) = await Batches.ListAsync("default", ("", ""), 2);
        var (rest, last) = await Batches.ListAsync("default", next!.Value, 2);
        var (nothing, end) = await Batches.ListAsync("default", last!.Value, 2);
        var (all, _) = await Batches.ListAsync(null, ("", ""), 100);
        Assert.That(all.Select(static b => b.Id + b.Tenant[0]), Is.EqualTo(new[] { "aa", "bd", "ca", "cd", "dd", "ed" }));
        Assert.That(nothing, Is.Empty);
        Assert.That(
            first.Concat(rest).Select(static b => (b.Id, b.SuspendedAt is not null)),
            Is.EqualTo(new[] { ("b", false), ("c", true), ("d", true), ("e", true) })
        );
        Assert.That(end, Is.Null);
    }

    [Test]
    public async Task Counts_SetAside_AreQueuedAndNotOverdue()
    {
        await SeedAsync(("default", "news", MessageState.Queued), ("default", "news", MessageState.Queued));
        await SuspendAsync("news");
        var counts = await Bench.Queries.CountsAsync(10_000_000);
        Assert.That(counts.Depth, Is.EqualTo(new[] { (MessageState.Queued, Priority.Medium, 2L) }));
        Assert.That((counts.Overdue, counts.OldestDue), Is.EqualTo((0L, (long?)null)));
    }

    [Test]
    public async Task Expiry_SetAside_IsSeen()
    {
        await TicketAsync(Mail("m1", expiresAt: Now + 9_000) with { Batch = "news" });
        await SuspendAsync("news");
        Assert.That((await Store.ExpireAsync(Now, 10)).NextExpiry, Is.EqualTo(Now + 9_000));
    }
}
