using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What every event log keeps of how far its endpoints are.</summary>
[TestOf(typeof(IDeliveryLog))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class EndpointProgressContract<TBench> : EndpointFixture<TBench>
    where TBench : StoreBench, new()
{
    [Test]
    public async Task SaveProgress_BatchesAndReplay_AreKeptForTheSameVersionOnly()
    {
        await Store.PutEndpointAsync(Hook, "ann");
        var first = (await Log.EndpointsAsync()).Single();
        var progress = first.Progress with { Batches = "8 1:2-3", Replay = new(1, 9, "8 2:4-5") };
        await Log.SaveProgressAsync(first, progress);
        var saved = (await Log.EndpointsAsync()).Single().Progress;
        await Store.PutEndpointAsync(first with { Paused = true }, "ann");
        await Log.SaveProgressAsync(first, new(7));
        var paused = (await Log.EndpointsAsync()).Single();
        await Store.PutEndpointAsync(first with { MaxBatch = 2 }, "ann");
        var otherwise = (await Log.EndpointsAsync()).Single().Progress;

        Assert.Multiple(() =>
        {
            Assert.That(saved, Is.EqualTo(progress));
            Assert.That(
                paused.Progress,
                Is.EqualTo(progress with { Acknowledged = 7 }),
                "a lane that ends does not know what came after it"
            );
            Assert.That(otherwise, Is.EqualTo(new EndpointProgress(7, Replay: new(1, 9))), "batches would be cut otherwise now");
        });
    }

    [Test]
    public async Task SaveProgress_OfSync_KeepsPositionQuietAndResendsTogether()
    {
        await Store.PutEndpointAsync(Hook with { Style = ReportStyle.Sync }, "ann");
        var endpoint = (await Log.EndpointsAsync()).Single();
        var resends = System
            .Collections.Immutable.ImmutableSortedDictionary<long, Resend>.Empty.Add(2, new(10, 1, 15))
            .Add(3, new(11, 2, 40));
        var progress = new EndpointProgress(7)
        {
            CalledAt = 20,
            QuietUntil = 900,
            Resends = resends,
        };
        await Log.SaveProgressAsync(endpoint, progress);
        Reopen();
        var first = (await Log.EndpointsAsync()).Single().Progress;
        await Log.SaveProgressAsync(endpoint, progress with { Resends = resends.Remove(2).SetItem(3, new(11, 3, 60)) });
        var second = (await Log.EndpointsAsync()).Single().Progress;

        Assert.Multiple(() =>
        {
            Assert.That((first.Acknowledged, first.CalledAt, first.QuietUntil), Is.EqualTo((7L, 20L, 900L)));
            Assert.That(first.Resends, Is.EqualTo(resends));
            Assert.That(second.Resends, Is.EqualTo(new[] { KeyValuePair.Create(3L, new Resend(11, 3, 60)) }));
        });
    }

    [Test]
    public async Task Put_AnotherUrl_DoesNotInheritTheQuietWhateverTheOldLaneSaves()
    {
        await Store.PutEndpointAsync(Hook with { Style = ReportStyle.Sync }, "ann");
        var old = (await Log.EndpointsAsync()).Single();
        await Log.SaveProgressAsync(old, new(3) { CalledAt = 20, QuietUntil = 900 });
        await Store.PutEndpointAsync(Hook with { Style = ReportStyle.Sync, Url = "https://other.example/" }, "ann");
        await Log.SaveProgressAsync(old, new(4) { CalledAt = 30, QuietUntil = 900 });
        var progress = (await Log.EndpointsAsync()).Single().Progress;
        Assert.That((progress.Acknowledged, progress.CalledAt, progress.QuietUntil), Is.EqualTo((4L, (long?)null, (long?)null)));
    }

    [Test]
    public async Task Put_AnotherStyle_OwesFromTheFirstResendWhateverTheOldLaneSaves()
    {
        await Store.PutEndpointAsync(Hook with { Style = ReportStyle.Sync }, "ann");
        var sync = (await Log.EndpointsAsync()).Single();
        var progress = new EndpointProgress(7)
        {
            Resends = System.Collections.Immutable.ImmutableSortedDictionary<long, Resend>.Empty.Add(4, new(10, 1, 15)),
        };
        await Log.SaveProgressAsync(sync, progress);
        await Store.PutEndpointAsync(Hook, "ann");
        await Log.SaveProgressAsync(sync, progress);
        await Store.PutEndpointAsync(Hook with { Style = ReportStyle.Sync }, "ann");
        var back = (await Log.EndpointsAsync()).Single().Progress;
        Assert.That((back.Acknowledged, back.Resends.Count), Is.EqualTo((3L, 0)));
    }

    [Test]
    public async Task Replay_OfATime_IsItsPositionsUpToWhatWasAcknowledged()
    {
        for (var at = 1; at <= 50; at++)
            await Log.AppendAsync("default", EventType.WebhookDisabled, null, null, at * 10);
        var from = Log.Last - 50;
        await Store.PutEndpointAsync(Hook, "ann");
        await Log.AppendAsync("default", EventType.WebhookDisabled, null, null, 510);

        async Task<WebhookEndpoint> ReplayedAsync(long after, long to)
        {
            Assert.That(await Log.ReplayAsync("default", "hook", after, to, "ann"), Is.True);
            return (await Log.EndpointsAsync()).Single();
        }

        var unknown = await Log.ReplayAsync("other", "hook", 0, 1000, "ann");
        var middle = await ReplayedAsync(95, 200);
        var all = await ReplayedAsync(0, 1000);
        var none = await ReplayedAsync(2000, 3000);

        Assert.Multiple(() =>
        {
            Assert.That(unknown, Is.False);
            Assert.That(middle.Progress.Replay, Is.EqualTo(new ReplayProgress(from + 9, from + 20)));
            Assert.That(all.Progress.Replay, Is.EqualTo(new ReplayProgress(0, from + 50)), "the 51st is not acknowledged and comes anyway");
            Assert.That(none.Progress.Replay, Is.EqualTo(new ReplayProgress(from + 50, from + 50)));
            Assert.That(none.Version, Is.EqualTo(4));
        });
    }

    [Test]
    public async Task Backlog_OfATenant_CountsWhatTheEndpointWants()
    {
        await Store.PutEndpointAsync(Hook with { Types = ["webhook.disabled"], FinalOnly = false }, "ann");
        await Log.AppendAsync("default", EventType.AccountThrottled, null, null, 1);
        await Log.AppendAsync("other", EventType.WebhookDisabled, null, null, 2);
        await Log.AppendAsync("default", EventType.WebhookDisabled, null, null, 3);
        await Log.AppendAsync("default", EventType.WebhookDisabled, null, null, 4);

        var hook = (await Log.EndpointsAsync()).Single();
        Assert.That(await Log.BacklogAsync(hook), Is.EqualTo(new EndpointBacklog(2, false, 3)));
        Assert.That(await Log.BacklogAsync(hook with { Progress = new(Log.Last) }), Is.EqualTo(new EndpointBacklog(0, false, null)));
    }

    [Test]
    public async Task SaveProgress_EndpointDeletedMeanwhile_DoesNothing()
    {
        await Log.SaveProgressAsync(Hook, new(5)).WaitAsync(Generous);
        Assert.That(await Log.EndpointsAsync(), Is.Empty);
    }

    [Test]
    public async Task SaveProgress_StoreCannotWrite_IsTriedUntilItCan()
    {
        await Store.PutEndpointAsync(Hook, "ann");
        await Bench.BreakAsync();
        var save = Log.SaveProgressAsync(Hook, new(5));
        await Eventually.BecomesAsync(() => Task.FromResult(Bench.IsInTrouble), static known => known);
        Assert.That(save.IsCompleted, Is.False);

        Bench.Mend();
        await Eventually.BecomesAsync(
            () =>
            {
                Bench.Clock.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(save.IsCompleted);
            },
            static saved => saved
        );
        await save;
        Assert.That((await Log.EndpointsAsync()).Single().Progress.Acknowledged, Is.EqualTo(5));
    }
}
