using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What is not reported stays, and who holds it.</summary>
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class RetentionReportContract<TBench> : RetentionFixture<TBench>
    where TBench : StoreBench, new()
{
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
            Assert.That(
                told.Select(e => System.Text.Encoding.UTF8.GetString(e.Detail.Span)),
                Is.EqualTo(
                    new[]
                    {
                        """
                        "webhook":"paused","reason":"held_too_long","dropped":4
                        """.Trim(),
                    }
                )
            );
            Assert.That(Bench.Look("m1"), Is.Null, "nothing waits for it any more");
            Assert.That(Bench.Count("events"), Is.Zero, "that it was told is dropped in silence");
        }
    }

    [Test]
    public async Task Purge_WebhookThatCannotBeRead_HoldsWhatItMayHaveWanted()
    {
        await HookAsync("damaged", "message.failed");
        await Bench.Damage.GarbleWebhooksAsync();
        await SendAsync("m1");
        Bench.Clock.Advance(TimeSpan.FromMilliseconds(Soon));
        var damaged = await PurgeAsync();
        await HookAsync("damaged", "message.failed");
        var mended = await PurgeAsync();
        Assert.That((damaged.Contents, mended.Contents), Is.EqualTo((0, 1)));
    }

    [Test]
    public async Task Purge_NamedInErrorBySync_IsNotReportedThoughThePositionPassedIt()
    {
        await HookAsync("sync", style: ReportStyle.Sync);
        await SendAsync("m1");
        var sync = (await Bench.Log.EndpointsAsync()).Single();
        var progress = sync.Progress with { Acknowledged = Bench.Log.Last };
        await Bench.Log.SaveProgressAsync(sync, progress with { Resends = progress.Resends.Add(Bench.Log.Last, new(Now, 1, Now)) });
        var owed = await PurgeAsync();
        await Bench.Log.SaveProgressAsync(sync, progress);
        var told = await PurgeAsync();
        Assert.That((owed.Contents, told.Contents), Is.EqualTo((0, 1)));
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
}
