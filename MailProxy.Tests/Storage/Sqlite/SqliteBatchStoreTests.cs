using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

internal sealed class SqliteBatchStoreTests
{
    private TemporaryStore _store = null!;

    private SqlBatchStore Batches => new(_store.Database, TimeProvider.System);

    [SetUp]
    public void Open() => _store = new();

    [TearDown]
    public void Remove() => _store.Dispose();

    [Test]
    public async Task Suspend_ThenActivate_MovesTheBatchsReadyMailOnly()
    {
        await SeedAsync(
            ("default", "news", 0),
            ("default", "news", 1),
            ("default", "news", 2),
            ("default", "other", 0),
            ("default", null, 0),
            ("acme", "news", 0)
        );

        await Batches.SetSuspendedAsync("default", "news", true, "ann");
        Assert.That(States(), Is.EqualTo(new[] { 3, 3, 2, 0, 0, 0 }));
        Assert.That(_store.Database.Claims.HasBegun(2, 3, 0), Is.True, "what is on its way goes on, and is set aside when it comes back");
        var counts = (await new SqlMessageQueries(_store.Database, _store.Spool).CountsAsync(10_000_000)).Depth;
        Assert.That(
            counts,
            Is.EquivalentTo(
                new[]
                {
                    (MessageState.Queued, Priority.Medium, 4L),
                    (MessageState.Sending, Priority.Medium, 1L),
                    (MessageState.Held, Priority.Medium, 1L),
                }
            )
        );

        await Batches.SetSuspendedAsync("default", "news", false, "ann");
        Assert.That(States(), Is.EqualTo(new[] { 0, 0, 2, 0, 0, 0 }));
    }

    [Test]
    public async Task Suspend_WhatWasChosenAndHasNotBegun_GoesBack()
    {
        await SeedAsync(("default", "news", 0));
        var ticket = new QueuedMail(1, 3, new(1), Priority.Medium, 0, 0, 1);
        _store.Database.Claims.TryAdd(ticket);

        await Batches.SetSuspendedAsync("default", "news", true, "ann");
        await Batches.SetSuspendedAsync("default", "news", false, "ann");

        Assert.That(_store.Database.Claims.TryBegin(ticket), Is.False);
        _store.Database.Claims.Remove(ticket);
        Assert.That(_store.Database.Claims.TryAdd(ticket), Is.True, "once it is given back it may be chosen again");
    }

    [Test]
    public async Task Weigh_IsShownAndKeptUntilItIsOneAgain()
    {
        await SeedAsync(("default", "news", 0), ("acme", "news", 0));
        Assert.That(await Batches.SetWeightAsync("default", "news", 5, "ann"), Is.True);
        Assert.That(await Batches.SetWeightAsync("default", "early", 7, "ann"), Is.True);
        await Batches.SetSuspendedAsync("default", "news", true, "ann");

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
        await SeedAsync(("default", "news", 0));
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var batches = new SqlBatchStore(_store.Database, clock);
        Assert.That(await batches.SetWeightAsync("default", "news", 2, "ann"), Is.True);
        for (var i = 1; i < 1_000; i++)
            Assert.That(await batches.SetWeightAsync("default", $"b{i}", 2, "ann"), Is.True);
        Assert.That(await batches.SetWeightAsync("default", "more", 2, "ann"), Is.False);
        Assert.That(await batches.SetWeightAsync("default", "b1", 3, "ann"), Is.True, "one that has one");
        Assert.That(await batches.SetWeightAsync("acme", "more", 2, "ann"), Is.True, "another tenant");

        clock.Advance(TimeSpan.FromDays(8));
        Assert.That(await batches.SetWeightAsync("default", "more", 2, "ann"), Is.True);
        Assert.That(
            (await batches.WeightsAsync("default")).Select(static one => one.Batch),
            Is.EquivalentTo(new[] { "news", "more" }),
            "what messages name stays"
        );
        clock.Advance(TimeSpan.FromDays(8));
        await batches.RepairAsync();
        Assert.That((await batches.WeightsAsync(null)).Select(static one => one.Batch), Is.EqualTo(new[] { "news" }));
    }

    [Test]
    public async Task Suspended_MailThatBecomesReady_IsSetAside()
    {
        await SeedAsync(("default", "news", 1), ("default", "news", 2), ("default", "other", 1));
        await Batches.SetSuspendedAsync("default", "news", true, "ann");

        await SeedAsync(("default", "news", 0), ("acme", "news", 0));
        await _store.RunAsync("UPDATE queue SET state = 0 WHERE state IN (1, 2)");
        Assert.That(States(), Is.EqualTo(new[] { 3, 3, 0, 3, 0 }));

        await _store.RunAsync("UPDATE queue SET state = 2 WHERE message = 1");
        Assert.That(States()[0], Is.EqualTo(2), "a hold is a hold");
    }

    [Test]
    public async Task Suspend_ManyChunks_MovesThemAll()
    {
        await SeedAsync([.. Enumerable.Repeat(("default", (string?)"news", 0), 2_500)]);
        await Batches.SetSuspendedAsync("default", "news", true, "ann");
        Assert.That(States(), Has.All.EqualTo(3));
        await Batches.SetSuspendedAsync("default", "news", false, "ann");
        Assert.That(States(), Has.All.EqualTo(0));
    }

    [Test]
    public async Task Repair_CrashInBetween_IsFinished()
    {
        await SeedAsync(("default", "news", 0), ("default", "other", 0));
        await _store.RunAsync("UPDATE queue SET state = 3 WHERE message = 2"); // its activation was interrupted
        await _store.RunAsync("INSERT INTO suspended_batches VALUES ('default', 'news', 1)"); // its suspension was
        _store.Close();

        await Batches.RepairAsync();
        Assert.That(States(), Is.EqualTo(new[] { 3, 0 }));
    }

    [Test]
    public async Task Batch_Known_CountsWhatBecameOfIt()
    {
        await SeedAsync(("default", "news", 0), ("default", "news", 0), ("default", "news", 1), ("acme", "news", 0));
        await _store.RunAsync("UPDATE messages SET state = 10 WHERE number = 1");
        var view = (await Batches.BatchAsync("default", "news"))!;
        Assert.That(view.SuspendedAt, Is.Null);
        Assert.That(view.Counts, Is.EquivalentTo(new[] { (MessageState.Queued, 1L), (MessageState.Sending, 1L), (MessageState.Sent, 1L) }));
        Assert.That(await Batches.BatchAsync("default", "nobody"), Is.Null);
    }

    [Test]
    public async Task Batch_SuspendedBeforeItsMail_IsThere()
    {
        await Batches.SetSuspendedAsync("default", "later", true, "ann");
        Assert.That((await Batches.BatchAsync("default", "later"))?.SuspendedAt, Is.Not.Null);
        await Batches.SetSuspendedAsync("default", "later", false, "ann");
        Assert.That(await Batches.BatchAsync("default", "later"), Is.Null);
    }

    [Test]
    public async Task Audit_Changes_AreWrittenOnce()
    {
        foreach (var suspended in (bool[])[true, true, false, false])
            await Batches.SetSuspendedAsync("default", "news", suspended, "ann");
        var audit = await new SqlAuditLog(_store.Database, TimeProvider.System).ReadAsync(0, 10);
        Assert.That(
            audit.Select(a => (a.Action, a.Subject)),
            Is.EqualTo(new[] { ("batch.suspend", "batch/default/news"), ("batch.activate", "batch/default/news") })
        );
    }

    [Test]
    public async Task List_NamedAndSuspended_OfOneTenantByNamePageByPage()
    {
        await SeedAsync(
            ("default", "b", 0),
            ("default", "b", 0),
            ("acme", "c", 0),
            ("default", "d", 0),
            ("acme", "a", 0),
            ("default", null, 0)
        );
        foreach (var batch in new[] { "c", "d", "e" })
            await Batches.SetSuspendedAsync("default", batch, true, "ann");
        var (first, next) = await Batches.ListAsync("default", ("", ""), 2);
        var (rest, last) = await Batches.ListAsync("default", next!.Value, 2);
        var (nothing, end) = await Batches.ListAsync("default", last!.Value, 2);
        var (all, _) = await Batches.ListAsync(null, ("", ""), 100);
        Assert.That(all.Select(b => b.Id + b.Tenant[0]), Is.EqualTo(new[] { "aa", "bd", "ca", "cd", "dd", "ed" }));
        Assert.That(nothing, Is.Empty);
        Assert.That(
            first.Concat(rest).Select(b => (b.Id, b.SuspendedAt is not null)),
            Is.EqualTo(new[] { ("b", false), ("c", true), ("d", true), ("e", true) })
        );
        Assert.That(end, Is.Null);
    }

    [Test]
    public async Task Counts_SetAside_AreQueuedAndNotOverdue()
    {
        await SeedAsync(("default", "news", 0), ("default", "news", 0));
        await Batches.SetSuspendedAsync("default", "news", true, "ann");
        var counts = await new SqlMessageQueries(_store.Database, _store.Spool).CountsAsync(10_000_000);
        Assert.That(counts.Depth, Is.EqualTo(new[] { (MessageState.Queued, Priority.Medium, 2L) }));
        Assert.That((counts.Overdue, counts.OldestDue), Is.EqualTo((0L, (long?)null)));
    }

    [Test]
    public async Task Expiry_SetAside_IsSeen()
    {
        await SeedAsync(("default", "news", 0));
        await Batches.SetSuspendedAsync("default", "news", true, "ann");
        Assert.That(_store.Database.Readers.Snapshot(ChangeWriter.NextExpiry), Is.EqualTo(9_000));
    }

    private async Task SeedAsync(params (string Tenant, string? Batch, int QueueState)[] seeds)
    {
        var made = await _store.SeedAsync(
            seeds.Select(s => new SeedMessage
            {
                Id = $"m-{Guid.NewGuid():N}",
                Tenant = s.Tenant,
                Batch = s.Batch,
                State = s.QueueState == 2 ? MessageState.Held : MessageState.Queued,
                Begun = s.QueueState == 1,
            })
        );
        Assert.That(made, Has.Count.EqualTo(seeds.Length));
    }

    private int[] States() => [.. _store.Query("SELECT state FROM queue ORDER BY message", row => row.GetInt32(0))];
}
