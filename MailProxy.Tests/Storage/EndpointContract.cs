using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What every event log keeps of its endpoints: their configuration, and how far each is.</summary>
internal abstract class EndpointContract
{
    protected static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    protected static readonly WebhookEndpoint Hook = new(
        "default",
        "hook",
        "https://example.com/in",
        "whsec_first",
        ["message.sent", "message.failed"],
        FinalOnly: true,
        MaxBatch: 7,
        Paused: false,
        new(999)
    );

    protected SignallingClock Clock { get; private set; } = new();

    protected abstract IDeliveryLog Log { get; }

    /// <summary>Closes the store and opens it again.</summary>
    protected abstract void Reopen();

    protected abstract Task<List<long>> SeedAsync(IEnumerable<SeedMessage> seeds);

    protected abstract Task<AccountKey> PutAccountAsync(string id);

    protected abstract Task AppendEventAsync(long message, NewEvent e, long at);

    /// <summary>The store cannot write from now on, until it is mended.</summary>
    protected abstract Task BreakAsync();

    protected abstract void Mend();

    protected abstract IReadOnlyList<(string Actor, string Action, string Text)> Audit();

    [SetUp]
    public void StartClock() => Clock = new();

    protected async Task AppendManyAsync(string tenant, int count)
    {
        var appends = new List<Task>(count);
        for (var i = 0; i < count; i++)
            appends.Add(Log.AppendAsync(tenant, EventType.WebhookDisabled, null, null, i));
        await Task.WhenAll(appends).WaitAsync(Generous);
    }

    [Test]
    public async Task PutEndpoint_New_StartsAtTheEndOfTheLog()
    {
        await Log.AppendAsync("default", EventType.WebhookDisabled, null, null, 1);
        var created = await Log.PutEndpointAsync(Hook, "ann");
        Reopen();

        var stored = (await Log.EndpointsAsync()).Single();
        Assert.Multiple(() =>
        {
            Assert.That(created, Is.True);
            Assert.That(stored.Types, Is.EqualTo(Hook.Types));
            Assert.That(stored with { Types = Hook.Types }, Is.EqualTo(Hook with { Progress = new(Log.Last), Version = 1 }));
        });
    }

    [Test]
    public async Task PutEndpoint_KnownWithoutSecret_KeepsSecretAndProgress()
    {
        var progress = new EndpointProgress(5, FailingSince: 6, Failures: 7, LastError: "HTTP 500");
        await Log.PutEndpointAsync(Hook, "ann");
        await Log.SaveProgressAsync(Hook, progress);

        var created = await Log.PutEndpointAsync(
            Hook with
            {
                Secret = "",
                Url = "https://example.org/",
                Types = [],
                FinalOnly = false,
                MaxBatch = 1,
                Paused = true,
            },
            "ann"
        );
        var stored = (await Log.EndpointsAsync()).Single();
        Assert.Multiple(() =>
        {
            Assert.That(created, Is.False);
            Assert.That(stored.Types, Is.Empty);
            Assert.That(
                (stored.Url, stored.Secret, stored.FinalOnly, stored.MaxBatch, stored.Paused, stored.Progress),
                Is.EqualTo(("https://example.org/", "whsec_first", false, 1, true, progress))
            );
        });
    }

    [Test]
    public async Task PutEndpoint_Disabled_IsEnabledByANewAddressOnly()
    {
        var progress = new EndpointProgress(5, FailingSince: 6, Failures: 7, DisabledAt: 8, LastError: "410");
        await Log.PutEndpointAsync(Hook, "ann");
        await Log.SaveProgressAsync(Hook, progress);
        await Log.PutEndpointAsync(Hook with { Secret = "", MaxBatch = 1 }, "ann");
        var same = (await Log.EndpointsAsync()).Single().Progress;
        await Log.PutEndpointAsync(Hook with { Secret = "", Url = "https://example.org/" }, "ann");
        var moved = (await Log.EndpointsAsync()).Single().Progress;
        Assert.That((same, moved), Is.EqualTo((progress, new EndpointProgress(5))));
        Assert.That(
            Audit()[^1].Text,
            Does.Contain("\"disabled\":true").And.EndsWith("\"auth_set\":false,\"secret_changed\":false,\"auth_changed\":false}")
        );
        Assert.That(Audit()[^1].Text.Split("\"disabled\":true"), Has.Length.EqualTo(2), "only before");
    }

    [Test]
    public async Task SetPaused_KnownOrNot_TellsWhatItIsNow()
    {
        await Log.PutEndpointAsync(Hook, "ann");
        await Log.SaveProgressAsync(Hook, new(5, FailingSince: 6, Failures: 7, DisabledAt: 8, LastError: "410"));

        var unknown = await Log.SetPausedAsync("other", "hook", true, "ann");
        var paused = (await Log.SetPausedAsync("default", "hook", true, "bob"))!;
        var resumed = (await Log.SetPausedAsync("default", "hook", false, "bob"))!;
        Reopen();
        var stored = (await Log.EndpointsAsync()).Single();
        Assert.Multiple(() =>
        {
            Assert.That(unknown, Is.Null);
            Assert.That(
                (paused.Paused, paused.Progress.DisabledAt, paused.Version, paused.Secret),
                Is.EqualTo((true, (long?)8, 2, Hook.Secret))
            );
            Assert.That(
                (resumed.Paused, resumed.Progress, resumed.Version, resumed.Secret),
                Is.EqualTo((false, new EndpointProgress(5), 3, Hook.Secret))
            );
            Assert.That((stored.Paused, stored.Progress, stored.Version), Is.EqualTo((resumed.Paused, resumed.Progress, resumed.Version)));
        });
    }

    [Test]
    public async Task PutEndpoint_KnownWithSecret_ReplacesIt()
    {
        await Log.PutEndpointAsync(Hook, "ann");
        await Log.PutEndpointAsync(Hook with { Secret = "whsec_second" }, "ann");
        Assert.That((await Log.EndpointsAsync()).Single().Secret, Is.EqualTo("whsec_second"));
    }

    [Test]
    public async Task PutEndpoint_NewWithoutSecret_IsAMistakeAndStoresNothing()
    {
        Assert.That(() => Log.PutEndpointAsync(Hook with { Secret = "" }, "ann"), Throws.InstanceOf<ArgumentException>());
        Assert.That(await Log.EndpointsAsync(), Is.Empty);
    }

    [Test]
    public async Task PutEndpoint_StyleCredentialsAndTwoSecrets_AreKeptAndSealed()
    {
        var rotated = Hook with
        {
            Style = ReportStyle.Sync,
            Auth = new SourceAuth.Bearer("t0ken"),
            PreviousSecret = "whsec_old",
            PreviousUntil = 99,
        };
        await Log.PutEndpointAsync(Hook, "ann");
        await Log.PutEndpointAsync(rotated, "ann");
        Reopen();
        var stored = (await Log.EndpointsAsync()).Single();
        await Log.PutEndpointAsync(stored with { Secret = "", PreviousSecret = null, PreviousUntil = null, Auth = null }, "ann");
        var kept = (await Log.EndpointsAsync()).Single();
        await Log.PutEndpointAsync(stored with { Secret = "whsec_new", PreviousSecret = null, PreviousUntil = null }, "ann");
        var renewed = (await Log.EndpointsAsync()).Single();

        Assert.Multiple(() =>
        {
            Assert.That(
                (stored.Style, stored.Auth, stored.PreviousSecret, stored.PreviousUntil, stored.Version),
                Is.EqualTo((rotated.Style, rotated.Auth, rotated.PreviousSecret, rotated.PreviousUntil, 2))
            );
            Assert.That(
                (kept.Secret, kept.PreviousSecret, kept.PreviousUntil, kept.Auth),
                Is.EqualTo((Hook.Secret, rotated.PreviousSecret, rotated.PreviousUntil, (SourceAuth?)null)),
                "no secret given: both stay"
            );
            Assert.That(
                (renewed.Secret, renewed.PreviousSecret, renewed.PreviousUntil),
                Is.EqualTo(("whsec_new", (string?)null, (long?)null))
            );
        });
    }

    [Test]
    public async Task SaveProgress_BatchesAndReplay_AreKeptForTheSameVersionOnly()
    {
        await Log.PutEndpointAsync(Hook, "ann");
        var first = (await Log.EndpointsAsync()).Single();
        var progress = first.Progress with { Batches = "8 1:2-3", Replay = new(1, 9, "8 2:4-5") };
        await Log.SaveProgressAsync(first, progress);
        var saved = (await Log.EndpointsAsync()).Single().Progress;
        await Log.PutEndpointAsync(first with { Paused = true }, "ann");
        await Log.SaveProgressAsync(first, new(7));
        var paused = (await Log.EndpointsAsync()).Single();
        await Log.PutEndpointAsync(first with { MaxBatch = 2 }, "ann");
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
        await Log.PutEndpointAsync(Hook with { Style = ReportStyle.Sync }, "ann");
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
        await Log.PutEndpointAsync(Hook with { Style = ReportStyle.Sync }, "ann");
        var old = (await Log.EndpointsAsync()).Single();
        await Log.SaveProgressAsync(old, new(3) { CalledAt = 20, QuietUntil = 900 });
        await Log.PutEndpointAsync(Hook with { Style = ReportStyle.Sync, Url = "https://other.example/" }, "ann");
        await Log.SaveProgressAsync(old, new(4) { CalledAt = 30, QuietUntil = 900 });
        var progress = (await Log.EndpointsAsync()).Single().Progress;
        Assert.That((progress.Acknowledged, progress.CalledAt, progress.QuietUntil), Is.EqualTo((4L, (long?)null, (long?)null)));
    }

    [Test]
    public async Task Put_AnotherStyle_OwesFromTheFirstResendWhateverTheOldLaneSaves()
    {
        await Log.PutEndpointAsync(Hook with { Style = ReportStyle.Sync }, "ann");
        var sync = (await Log.EndpointsAsync()).Single();
        var progress = new EndpointProgress(7)
        {
            Resends = System.Collections.Immutable.ImmutableSortedDictionary<long, Resend>.Empty.Add(4, new(10, 1, 15)),
        };
        await Log.SaveProgressAsync(sync, progress);
        await Log.PutEndpointAsync(Hook, "ann");
        await Log.SaveProgressAsync(sync, progress);
        await Log.PutEndpointAsync(Hook with { Style = ReportStyle.Sync }, "ann");
        var back = (await Log.EndpointsAsync()).Single().Progress;
        Assert.That((back.Acknowledged, back.Resends.Count), Is.EqualTo((3L, 0)));
    }

    [Test]
    public async Task Replay_OfATime_IsItsPositionsUpToWhatWasAcknowledged()
    {
        for (var at = 1; at <= 50; at++)
            await Log.AppendAsync("default", EventType.WebhookDisabled, null, null, at * 10);
        var from = Log.Last - 50;
        await Log.PutEndpointAsync(Hook, "ann");
        await Log.AppendAsync("default", EventType.WebhookDisabled, null, null, 510);

        var unknown = await Log.ReplayAsync("other", "hook", 0, 1000, "ann");
        var middle = (await Log.ReplayAsync("default", "hook", 95, 200, "ann"))!;
        var all = (await Log.ReplayAsync("default", "hook", 0, 1000, "ann"))!;
        var none = (await Log.ReplayAsync("default", "hook", 2000, 3000, "ann"))!;

        Assert.Multiple(() =>
        {
            Assert.That(unknown, Is.Null);
            Assert.That(middle.Progress.Replay, Is.EqualTo(new ReplayProgress(from + 9, from + 20)));
            Assert.That(all.Progress.Replay, Is.EqualTo(new ReplayProgress(0, from + 50)), "the 51st is not acknowledged and comes anyway");
            Assert.That(none.Progress.Replay, Is.EqualTo(new ReplayProgress(from + 50, from + 50)));
            Assert.That(none.Version, Is.EqualTo(4));
        });
    }

    [Test]
    public async Task Backlog_OfATenant_CountsWhatTheEndpointWants()
    {
        await Log.PutEndpointAsync(Hook with { Types = ["webhook.disabled"], FinalOnly = false }, "ann");
        await Log.AppendAsync("default", EventType.AccountThrottled, null, null, 1);
        await Log.AppendAsync("other", EventType.WebhookDisabled, null, null, 2);
        await Log.AppendAsync("default", EventType.WebhookDisabled, null, null, 3);
        await Log.AppendAsync("default", EventType.WebhookDisabled, null, null, 4);

        var hook = (await Log.EndpointsAsync()).Single();
        Assert.That(await Log.BacklogAsync(hook), Is.EqualTo(new EndpointBacklog(2, false, 3)));
        Assert.That(await Log.BacklogAsync(hook with { Progress = new(Log.Last) }), Is.EqualTo(new EndpointBacklog(0, false, null)));
    }

    [Test]
    public async Task DeleteEndpoint_KnownOrNot_TellsWhich()
    {
        await Log.PutEndpointAsync(Hook, "ann");
        Assert.That(await Log.DeleteEndpointAsync("other", "hook", "ann"), Is.False);
        Assert.That(await Log.DeleteEndpointAsync("default", "hook", "ann"), Is.True);
        Assert.That(await Log.EndpointsAsync(), Is.Empty);
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
        await Log.PutEndpointAsync(Hook, "ann");
        await BreakAsync();
        var save = Log.SaveProgressAsync(Hook, new(5));
        await Clock.TimerAsked.WaitAsync(Generous);
        Assert.That(save.IsCompleted, Is.False);

        Mend();
        Clock.Advance(TimeSpan.FromSeconds(1));
        await save.WaitAsync(Generous);
        Assert.That((await Log.EndpointsAsync()).Single().Progress.Acknowledged, Is.EqualTo(5));
    }

    /// <summary>Tells when somebody begins to wait on it.</summary>
    protected sealed class SignallingClock : FakeTimeProvider
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task TimerAsked => _asked.Task;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            _asked.TrySetResult();
            return timer;
        }
    }
}
