using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What goes, what stays, and until when.</summary>
[TestOf(typeof(IRetentionStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class RetentionContract<TBench> : RetentionFixture<TBench>
    where TBench : StoreBench, new()
{
    [Test]
    public async Task Purge_NoWebhook_ContentGoesAtOnceAndTheRecordStays()
    {
        await SendAsync("m1");
        var slice = await PurgeAsync();

        var look = Look("m1");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((slice.Contents, slice.Messages, slice.Events), Is.EqualTo((1, 0, 0)));
            Assert.That(Bench.Count("bodies"), Is.Zero);
            Assert.That(
                (look.State, look.Recipients.Single().Address, look.EventTypes),
                Is.EqualTo((MessageState.Sent, "a@example.com", new[] { EventType.MessageQueued, EventType.MessageSent }))
            );
            Assert.That(Bench.Count("retained"), Is.Zero, "no row for what can go at once");
        }
    }

    [TestCase("queued")]
    [TestCase("scheduled")]
    [TestCase("sending")]
    [TestCase("deferred")]
    [TestCase("held")]
    public async Task Purge_NotFinal_StaysForEver(string state)
    {
        await (
            state switch
            {
                "queued" => TicketAsync(Mail("m1")),
                "scheduled" => (Task)PutAsync(Mail("m1", sendAt: Now + 1_000)),
                "sending" => MarkedAsync(Mail("m1")),
                "deferred" => SettleAsync(Put(await MarkedAsync(Mail("m1")), Now + 60_000)),
                _ => SettleAsync(Held(await MarkedAsync(Mail("m1")))),
            }
        );
        Bench.Clock.Advance(TimeSpan.FromDays(400));
        var slice = await PurgeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((slice.Contents, slice.Messages, slice.Events), Is.EqualTo((0, 0, 0)));
            Assert.That(Look("m1").Json, Is.Not.Null);
        }
    }

    [Test]
    public async Task Purge_DaysToKeep_CountFromTheEndAndFollowTheRule()
    {
        Content = Retention.Parse("7d")!;
        await SendAsync("m1");
        Bench.Clock.Advance(TimeSpan.FromDays(3));
        await SendAsync("m2");
        var young = await PurgeAsync();
        Bench.Clock.Advance(TimeSpan.FromDays(4));
        var first = await PurgeAsync();
        Content = Retention.None;
        var changed = await PurgeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((young.Contents, young.NextDue), Is.EqualTo((0, Look("m1").CreatedAt + 7 * 86_400_000L)));
            Assert.That((first.Contents, changed.Contents), Is.EqualTo((1, 1)));
        }
    }

    [TestCase("until_reported", 3)]
    [TestCase("1d", 3)]
    [TestCase("7d", 7)]
    [TestCase("none", 0)]
    public async Task Purge_Failed_StaysAsLongAsItMayBeRetried(string rule, int days)
    {
        Content = Retention.Parse(rule)!;
        await SettleAsync(Failed(await MarkedAsync(Mail("m1"))));
        if (days > 0)
        {
            Bench.Clock.Advance(TimeSpan.FromDays(days) - TimeSpan.FromSeconds(1));
            await PurgeAsync();
            Assert.That(Look("m1").Json, Is.Not.Null);
            Bench.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.That((await PurgeAsync()).Contents, Is.EqualTo(1));
    }

    [Test]
    public async Task Purge_OldAndReported_GoesWholeAndTheFloorRises()
    {
        await SendAsync("m1");
        var end = Bench.Log.Last;
        await TicketAsync(Mail("m2"));
        await Bench.Log.AppendAsync("default", EventType.AccountThrottled, Account, null, Now);
        await PurgeAsync();
        Bench.Clock.Advance(TimeSpan.FromDays(30));
        var slice = await PurgeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((slice.Messages, slice.Events), Is.EqualTo((1, 3)));
            Assert.That(Bench.Look("m1"), Is.Null);
            Assert.That(Look("m2").Events, Has.Count.EqualTo(1), "it is not final");
            Assert.That(Bench.Count("recipients"), Is.EqualTo(1));
            Assert.That(await Bench.Log.FloorAsync("default"), Is.EqualTo(end + 2), "the event about the account was the last to go");
            Assert.That(await Bench.Log.FloorAsync("other"), Is.Zero);
        }
    }

    [Test]
    public async Task Purge_MoreDaysForContentThanForMetadata_KeepsBoth()
    {
        Content = Retention.Parse("60d")!;
        await SendAsync("m1");
        Bench.Clock.Advance(TimeSpan.FromDays(59));
        await PurgeAsync();
        Assert.That(Look("m1").Json, Is.Not.Null);

        Bench.Clock.Advance(TimeSpan.FromDays(1));
        var slice = await PurgeAsync();
        Assert.That((slice.Contents, slice.Messages, Bench.Count("retained")), Is.EqualTo((1, 1, 0L)));
    }

    [Test]
    public async Task Purge_CameToLifeAgain_WaitsForItsNewEnd()
    {
        Content = Retention.Parse("7d")!;
        var failed = await MarkedAsync(Mail("m1", expiresAt: Now + 100 * 86_400_000L));
        await SettleAsync(Failed(failed));
        Store.Release(failed);
        await PurgeAsync();
        await ChangeAsync("m1", new MessageChange.Retry(Now + 1_000_000));
        Bench.Clock.Advance(TimeSpan.FromDays(60));
        await PurgeAsync();
        Assert.That(Look("m1").Json, Is.Not.Null, "it is queued");

        var ticket = (await ClaimAsync()).Tickets.Single();
        await MarkAsync(ticket);
        await SettleAsync(Sent(ticket));
        await PurgeAsync();
        Assert.That(Look("m1").Json, Is.Not.Null, "its days begin anew");

        Bench.Clock.Advance(TimeSpan.FromDays(7));
        Assert.That((await PurgeAsync()).Contents, Is.EqualTo(1));
    }

    [Test]
    public async Task Purge_ManyTenants_ComeToTheirTurnsOneAfterAnother()
    {
        Content = Retention.Parse("7d")!;
        for (var i = 0; i < 150; i++)
            await SendAsync(Mail("m1") with { Key = new($"t{i}", "m1") });
        await PurgeAsync();
        Bench.Clock.Advance(TimeSpan.FromDays(7));
        var gone = 0;
        for (var look = 0; look < 4; look++)
            gone += (await PurgeAsync()).Contents;
        Assert.That(gone, Is.EqualTo(150));
    }

    [Test]
    public async Task Purge_SpoolFile_GoesWithItsRow()
    {
        var file = await Bench.Spool.WriteAsync(Json("large"));
        await SendAsync(Mail("m1") with { Body = new(default, file, 100) });
        await PurgeAsync();
        Assert.That(Bench.SpoolNames(), Is.Empty);
    }

    [Test]
    public async Task Purge_Crash_GoesOnWhereItWas()
    {
        for (var i = 0; i < 300; i++)
            await SendAsync($"m{i}");
        var first = await Bench.Retention.PurgeAsync(Rules(), Now);
        Bench.Crash();
        var rest = await PurgeAsync();
        Assert.That(first.More, Is.True);
        Assert.That(first.Contents, Is.InRange(1, 256), "a slice is short");
        Assert.That(rest.Contents, Is.EqualTo(300 - first.Contents));
    }

    [Test]
    public async Task Changed_AfterALook_OnlyByACommit()
    {
        // What was committed before is told after its promise, and so may be told after the first look.
        await PurgeAsync();
        while (Bench.Retention.Changed.IsCompleted)
            await PurgeAsync();
        await TicketAsync(Mail("m1"));
        await In30(AsResult(Bench.Retention.Changed));
    }
}
