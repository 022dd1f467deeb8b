using MailProxy.Pipeline;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What goes, what stays, and until when.</summary>
[TestFixture(typeof(SqliteBench))]
internal sealed class RetentionContract<TBench> : MessageStoreContract<TBench> where TBench : StoreBench, new()
{
    private const int Soon = 11_000;

    private Retention _content = Retention.UntilReported;

    [SetUp]
    public void ResetRule() => _content = Retention.UntilReported;

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
            Assert.That((look.State, look.Recipients.Single().Address, look.EventTypes), Is.EqualTo((MessageState.Sent, "a@example.com", new[] { EventType.MessageQueued, EventType.MessageSent })));
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
        await (state switch
        {
            "queued" => TicketAsync(Mail("m1")),
            "scheduled" => (Task)PutAsync(Mail("m1", sendAt: Now + 1_000)),
            "sending" => MarkedAsync(Mail("m1")),
            "deferred" => SettleAsync(Put(await MarkedAsync(Mail("m1")), Now + 60_000)),
            _ => SettleAsync(Held(await MarkedAsync(Mail("m1")))),
        });
        Bench.Clock.Advance(TimeSpan.FromDays(400));
        var slice = await PurgeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((slice.Contents, slice.Messages, slice.Events), Is.EqualTo((0, 0, 0)));
            Assert.That(Look("m1").Json, Is.Not.Null);
        }
    }

    [Test]
    public async Task Purge_UnreportedContent_GoesWhenTheWebhookHasAcknowledged()
    {
        await HookAsync("slow");
        await SendAsync("m1");
        var early = await PurgeAsync();
        Bench.Clock.Advance(TimeSpan.FromMilliseconds(Soon));
        var waiting = await PurgeAsync();
        await AcknowledgeAsync("slow", Bench.Log.Last - 1);
        var almost = await PurgeAsync();
        await AcknowledgeAsync("slow", Bench.Log.Last);
        var reported = await PurgeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(early.NextDue, Is.EqualTo(Now - Soon + 10_000), "a webhook in health acknowledges sooner than a row is worth");
            Assert.That((early.Contents, waiting.Contents, almost.Contents, reported.Contents), Is.EqualTo((0, 0, 0, 1)));
            Assert.That(Bench.Count("retained"), Is.Zero);
        }
    }

    [Test]
    public async Task Purge_WebhookThatWantsOtherEvents_HoldsNothing()
    {
        await HookAsync("picky", "message.failed");
        await SendAsync("m1");
        Assert.That((await PurgeAsync()).Contents, Is.EqualTo(1));
    }

    [Test]
    public async Task Purge_PausedWebhook_HoldsEventsButNoContent()
    {
        await HookAsync("paused", paused: true);
        await SendAsync("m1");
        var content = await PurgeAsync();
        Bench.Clock.Advance(TimeSpan.FromDays(30) - TimeSpan.FromHours(1));
        var held = await PurgeAsync(metadata: TimeSpan.FromDays(7));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(content.Contents, Is.EqualTo(1), "reported counts enabled webhooks");
            Assert.That((held.Messages, held.Events), Is.EqualTo((0, 0)));
            Assert.That(Look("m1").Events, Has.Count.EqualTo(2));
        }
    }

    [Test]
    public async Task Purge_HeldTooLong_IsDroppedOnceAndToldWithACount()
    {
        await HookAsync("paused", paused: true);
        await SendAsync("m1");
        await SendAsync("m2");
        Bench.Clock.Advance(TimeSpan.FromDays(31));
        await PurgeAsync();
        var told = (await Bench.Log.ReadAsync("default", 0, 100)).Events.Where(e => e.Type == EventType.WebhookDisabled).ToArray();
        await PurgeAsync();
        Bench.Clock.Advance(TimeSpan.FromDays(31));
        await PurgeAsync();
        await PurgeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(told.Select(e => System.Text.Encoding.UTF8.GetString(e.Detail.Span)), Is.EqualTo(new[] { """
                "webhook":"paused","reason":"held_too_long","dropped":4
                """.Trim() }));
            Assert.That(Bench.Look("m1"), Is.Null, "nothing waits for it any more");
            Assert.That(Bench.Count("events"), Is.Zero, "that it was told is dropped in silence");
        }
    }

    [Test]
    public async Task Purge_NamedInErrorBySync_IsNotReportedThoughThePositionPassedIt()
    {
        await HookAsync("sync");
        await SendAsync("m1");
        await AcknowledgeAsync("sync", Bench.Log.Last);
        await Bench.RunAsync($"INSERT INTO webhook_resends VALUES ('default', 'sync', {Bench.Log.Last}, {Now}, 1, {Now})");
        var owed = await PurgeAsync();
        await Bench.RunAsync("DELETE FROM webhook_resends");
        var told = await PurgeAsync();
        Assert.That((owed.Contents, told.Contents), Is.EqualTo((0, 1)));
    }

    [Test]
    public async Task Purge_DaysToKeep_CountFromTheEndAndFollowTheRule()
    {
        _content = Retention.Parse("7d")!;
        await SendAsync("m1");
        Bench.Clock.Advance(TimeSpan.FromDays(3));
        await SendAsync("m2");
        var young = await PurgeAsync();
        Bench.Clock.Advance(TimeSpan.FromDays(4));
        var first = await PurgeAsync();
        _content = Retention.None;
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
        _content = Retention.Parse(rule)!;
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
        _content = Retention.Parse("60d")!;
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
        _content = Retention.Parse("7d")!;
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
        for (var i = 0; i < 200; i++) await SendAsync($"m{i}");
        var first = await Bench.Retention.PurgeAsync(Rules(), Now);
        Bench.Crash();
        var rest = await PurgeAsync();
        Assert.That((first.Contents, first.More, rest.Contents), Is.EqualTo((128, true, 72)), "a slice is short");
    }

    [Test]
    public async Task Changed_AfterALook_OnlyByACommit()
    {
        await PurgeAsync();
        Assert.That(Bench.Retention.Changed.IsCompleted, Is.False);
        await TicketAsync(Mail("m1"));
        await In30(AsResult(Bench.Retention.Changed));
    }

    [Test]
    public async Task Purge_TwoTenants_OneWithADeadWebhookHoldsUpNobody()
    {
        await HookAsync("dead", tenant: "acme");
        await SendAsync(Mail("m1") with { Key = new("acme", "m1") });
        await SendAsync("m1");
        Bench.Clock.Advance(TimeSpan.FromMilliseconds(Soon));
        await PurgeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Look("m1").Json, Is.Null);
            Assert.That(Bench.Look("m1", "acme")!.Json, Is.Not.Null);
        }
    }

    private static async Task<bool> AsResult(Task task)
    {
        await task;
        return true;
    }

    private RetentionRules Rules(TimeSpan? metadata = null) => new(_ => _content, TimeSpan.FromDays(3), metadata ?? TimeSpan.FromDays(30), TimeSpan.FromDays(30));

    /// <summary>Until there is no more; what all slices took together, and what the last said of the time.</summary>
    private async Task<PurgeSlice> PurgeAsync(TimeSpan? metadata = null)
    {
        var all = new PurgeSlice(0, 0, 0, true, 0);
        while (all.More)
        {
            var slice = await In30(Bench.Retention.PurgeAsync(Rules(metadata), Now));
            all = new(all.Contents + slice.Contents, all.Messages + slice.Messages, all.Events + slice.Events, slice.More, slice.NextDue);
        }

        return all;
    }

    private Task SendAsync(string id) => SendAsync(Mail(id));

    private async Task SendAsync(AcceptedMail mail) => await SettleAsync(Sent(await MarkedAsync(mail)));

    private Task HookAsync(string id, string? type = null, bool paused = false, string tenant = "default") =>
        Bench.Log.PutEndpointAsync(new(tenant, id, "https://example.com/", "whsec_x", type is null ? [] : [type], false, 1, paused, new(0)), "test");

    private async Task AcknowledgeAsync(string id, long position)
    {
        var endpoint = (await Bench.Log.EndpointsAsync()).Single(e => e.Id == id);
        await Bench.Log.SaveProgressAsync(endpoint, endpoint.Progress with { Acknowledged = position });
    }
}
