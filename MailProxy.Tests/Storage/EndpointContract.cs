using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What every event log keeps of its endpoints: their configuration, and how far each is.</summary>
[TestOf(typeof(IConfigurationStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class EndpointContract<TBench> : EndpointFixture<TBench>
    where TBench : StoreBench, new()
{
    [Test]
    public async Task PutEndpoint_New_StartsAtTheEndOfTheLog()
    {
        await Log.AppendAsync("default", EventType.WebhookDisabled, null, null, 1);
        var created = await Store.PutEndpointAsync(Hook, "ann");
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
        await Store.PutEndpointAsync(Hook, "ann");
        await Log.SaveProgressAsync(Hook, progress);

        var created = await Store.PutEndpointAsync(
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
        await Store.PutEndpointAsync(Hook, "ann");
        await Log.SaveProgressAsync(Hook, progress);
        await Store.PutEndpointAsync(Hook with { Secret = "", MaxBatch = 1 }, "ann");
        var same = (await Log.EndpointsAsync()).Single().Progress;
        await Store.PutEndpointAsync(Hook with { Secret = "", Url = "https://example.org/" }, "ann");
        var moved = (await Log.EndpointsAsync()).Single().Progress;
        Assert.That((same, moved), Is.EqualTo((progress, new EndpointProgress(5))));
        Assert.That(
            Audit()[^1].Text,
            Does.Contain("\"disabled\":true")
                .And.Contains("\"auth_set\":false")
                .And.Contains("\"secret_changed\":false,\"auth_changed\":false}")
        );
        Assert.That(Audit()[^1].Text.Split("\"disabled\":true"), Has.Length.EqualTo(2), "only before");
    }

    [Test]
    public async Task SetPaused_KnownOrNot_TellsWhatItIsNow()
    {
        await Store.PutEndpointAsync(Hook, "ann");
        await Log.SaveProgressAsync(Hook, new(5, FailingSince: 6, Failures: 7, DisabledAt: 8, LastError: "410"));

        var unknown = await Store.SetWebhookPausedAsync("other", "hook", true, "ann");
        await Store.SetWebhookPausedAsync("default", "hook", true, "bob");
        var paused = (await Log.EndpointsAsync()).Single();
        await Store.SetWebhookPausedAsync("default", "hook", false, "bob");
        var resumed = (await Log.EndpointsAsync()).Single();
        Reopen();
        var stored = (await Log.EndpointsAsync()).Single();
        Assert.Multiple(() =>
        {
            Assert.That(unknown, Is.False);
            Assert.That(
                (paused.Paused, paused.Progress.DisabledAt, paused.Version, paused.Secret),
                Is.EqualTo((true, (long?)8, 2L, Hook.Secret))
            );
            Assert.That(
                (resumed.Paused, resumed.Progress, resumed.Version, resumed.Secret),
                Is.EqualTo((false, new EndpointProgress(5), 3L, Hook.Secret))
            );
            Assert.That((stored.Paused, stored.Progress, stored.Version), Is.EqualTo((resumed.Paused, resumed.Progress, resumed.Version)));
        });
    }

    [Test]
    public async Task PutEndpoint_KnownWithSecret_ReplacesIt()
    {
        await Store.PutEndpointAsync(Hook, "ann");
        await Store.PutEndpointAsync(Hook with { Secret = "whsec_second" }, "ann");
        Assert.That((await Log.EndpointsAsync()).Single().Secret, Is.EqualTo("whsec_second"));
    }

    [Test]
    public async Task PutEndpoint_NewWithoutSecret_IsAMistakeAndStoresNothing()
    {
        Assert.That(() => Store.PutEndpointAsync(Hook with { Secret = "" }, "ann"), Throws.InstanceOf<ArgumentException>());
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
        await Store.PutEndpointAsync(Hook, "ann");
        await Store.PutEndpointAsync(rotated, "ann");
        Reopen();
        var stored = (await Log.EndpointsAsync()).Single();
        await Store.PutEndpointAsync(stored with { Secret = "", PreviousSecret = null, PreviousUntil = null, Auth = null }, "ann");
        var kept = (await Log.EndpointsAsync()).Single();
        await Store.PutEndpointAsync(stored with { Secret = "whsec_new", PreviousSecret = null, PreviousUntil = null }, "ann");
        var renewed = (await Log.EndpointsAsync()).Single();

        Assert.Multiple(() =>
        {
            Assert.That(
                (stored.Style, stored.Auth, stored.PreviousSecret, stored.PreviousUntil, stored.Version),
                Is.EqualTo((rotated.Style, rotated.Auth, rotated.PreviousSecret, rotated.PreviousUntil, 2L))
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
    public async Task DeleteEndpoint_KnownOrNot_TellsWhich()
    {
        await Store.PutEndpointAsync(Hook, "ann");
        Assert.That(await Store.DeleteEndpointAsync("other", "hook", "ann"), Is.False);
        Assert.That(await Store.DeleteEndpointAsync("default", "hook", "ann"), Is.True);
        Assert.That(await Log.EndpointsAsync(), Is.Empty);
    }
}
