using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Configuration;

/// <summary>Webhooks in their table, beside how far each is.</summary>
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class WebhookRowsTests<TBench> : MessageStoreContract<TBench>
    where TBench : SqlBench, new()
{
    private new IConfigurationStore Store => Bench.Configuration;

    private IDeliveryLog Log => Bench.Log;

    private SecretBox Box => new([Bench.Key]);

    private static WebhookEndpoint Hook(string id, string secret = "whsec_abc") =>
        new("default", id, "https://example.com/in?key=k3y", secret, ["message.sent"], FinalOnly: true, MaxBatch: 7, Paused: false)
        {
            Style = ReportStyle.Sync,
            Auth = new SourceAuth.Basic("ann", "hunter2"),
        };

    private ConfigurationWriter<WebhookEndpoint> Writer(ConfigurationTurn turn, LogRecorder? log = null) =>
        new(WebhookFields.Noun, Store, turn, static _ => { }, log);

    private Task<int> RunAsync(string sql, params object?[] values) => Bench.Data.Writer.WriteAsync(session => session.Run(sql, values));

    private async Task<WebhookEndpoint> OnlyAsync() => (await Log.EndpointsAsync()).Single();

    [Test]
    public async Task Read_RowOfAnEarlierVersion_IsWhole()
    {
        byte[] Sealed(string text, string what) => Box.Seal(text, $"webhook/default/old/{what}");
        await RunAsync(
            """
            INSERT INTO webhooks (tenant, id, url, secret, previous_secret, previous_until, auth, style, types, final_only, max_batch,
                paused, acknowledged, failures, version)
            VALUES ('default', 'old', 'https://x.example/', ?1, ?2, 99, ?3, 1, '["message.sent"]', 1, 7, 1, 41, 2, 5)
            """,
            Sealed("whsec_abc", "secret"),
            Sealed("whsec_old", "previous_secret"),
            Sealed("""{"header":"X-Key","value":"t0ken"}""", "auth")
        );
        var read = await OnlyAsync();
        Assert.That(read.Types, Is.EqualTo(["message.sent"]));
        Assert.That(
            read,
            Is.EqualTo(
                new WebhookEndpoint("default", "old", "https://x.example/", "whsec_abc", read.Types, true, 7, true, new(41, Failures: 2))
                {
                    Style = ReportStyle.Sync,
                    Auth = new SourceAuth.Header("X-Key", "t0ken"),
                    PreviousSecret = "whsec_old",
                    PreviousUntil = 99,
                    Version = 5,
                }
            )
        );
    }

    [TestCase("""{"user":"ann","password":"hunter2"}""")]
    [TestCase("""{"bearer":"t0ken"}""")]
    [TestCase("""{"header":"X-Key","value":"t0ken"}""")]
    public async Task Put_Credentials_AreSealedAsEarlierVersionsDid(string text)
    {
        await Store.PutEndpointAsync(Hook("one") with { Auth = null }, "ann");
        await RunAsync("UPDATE webhooks SET auth = ?1", Box.Seal(text, "webhook/default/one/auth"));
        var read = await OnlyAsync();
        await Store.PutEndpointAsync(read, "ann");
        var stored = Bench.Data.Readers.Read(static session => session.QueryFirst("SELECT auth FROM webhooks", static row => row.Blob(0)))!;
        Assert.That(Box.Open(stored, "webhook/default/one/auth"), Is.EqualTo(text));
    }

    [TestCase("types = 'no JSON'")]
    [TestCase("types = '{}'")]
    [TestCase("style = 9")]
    [TestCase("secret = (SELECT secret FROM webhooks o WHERE o.id = 'good')")]
    [TestCase("auth = substr(auth, 1, 3)")]
    [TestCase("max_batch = 99999999999")]
    public async Task Load_RowThatCannotBeRead_SpoilsItselfOnlyAndIsToldOnce(string damage)
    {
        await Store.PutEndpointAsync(Hook("bad"), "ann");
        await Store.PutEndpointAsync(Hook("good"), "ann");
        await RunAsync($"UPDATE webhooks SET {damage} WHERE id = 'bad'");
        var log = new LogRecorder();
        using var turn = new ConfigurationTurn();
        var writer = Writer(turn, log);
        await writer.LoadAsync();
        await writer.LoadAsync();

        Assert.That(writer.Snapshot.Values.Select(one => one.Id), Is.EqualTo(["good"]));
        Assert.That((await OnlyAsync()).Id, Is.EqualTo("good"), "the others are reported to");
        Assert.That(log.Lines.Count(line => line.Text.Contains("default/bad", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public async Task Put_OverADamagedOne_MendsItWhereItStood()
    {
        await Store.PutEndpointAsync(Hook("one"), "ann");
        await Log.SaveProgressAsync(await OnlyAsync(), new(5, FailingSince: 6, Failures: 7, DisabledAt: 8, Batches: "8 1:2-3"));
        await RunAsync("UPDATE webhooks SET types = 'no JSON'");
        using var turn = new ConfigurationTurn();
        var writer = Writer(turn);
        await writer.LoadAsync();
        var written = await writer.PutAsync("default", "one", static _ => true, static _ => new(Hook("one")), "bob");

        Assert.That(written.Result, Is.EqualTo(WriteResult.Replaced));
        Assert.That((await OnlyAsync()).Progress, Is.EqualTo(new EndpointProgress(5)));
    }

    [Test]
    public async Task Delete_DamagedOne_IsDeletedWithWhatItIsOwed()
    {
        await Store.PutEndpointAsync(Hook("one"), "ann");
        await RunAsync("INSERT INTO webhook_resends VALUES ('default', 'one', 1, 1, 1, 1)");
        await RunAsync("UPDATE webhooks SET style = 9");
        Assert.That(await Store.DeleteEndpointAsync("default", "one", "ann"), Is.True);
        Assert.That((Bench.Count("webhooks"), Bench.Count("webhook_resends")), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Put_AfterProgressMovedOn_NeverTakesItBack()
    {
        await Store.PutEndpointAsync(Hook("one"), "ann");
        using var turn = new ConfigurationTurn();
        var writer = Writer(turn);
        await writer.LoadAsync();
        var told = new EndpointProgress(9, FailingSince: 6, Failures: 7, LastError: "HTTP 500", Batches: "8 1:2-3", Replay: new(1, 4))
        {
            CalledAt = 20,
            QuietUntil = 900,
            Resends = System.Collections.Immutable.ImmutableSortedDictionary<long, Resend>.Empty.Add(4, new(10, 1, 15)),
        };
        await writer.PutAsync(
            "default",
            "one",
            static _ => true,
            async before =>
            {
                await Log.SaveProgressAsync(await OnlyAsync(), told);
                return before!.Value! with { Paused = true };
            },
            "bob",
            action: "pause"
        );
        var after = await OnlyAsync();
        Assert.That((after.Paused, after.Progress with { Resends = told.Resends }), Is.EqualTo((true, told)));
        Assert.That(after.Progress.Resends, Is.EqualTo(told.Resends));
    }

    [Test]
    public async Task Put_AnotherWriterWasFaster_IsDecidedAnewOverWhatItWrote()
    {
        await Store.PutEndpointAsync(Hook("one", "whsec_first"), "ann");
        using var turn = new ConfigurationTurn();
        var slow = Writer(turn);
        await slow.LoadAsync();
        await Store.PutEndpointAsync(Hook("one", "whsec_second"), "bob");
        var over = new List<string>();
        var written = await slow.PutAsync(
            "default",
            "one",
            static _ => true,
            before =>
            {
                over.Add(before!.Value!.Secret);
                return new(before.Value with { MaxBatch = 3 });
            },
            "ann"
        );
        var stored = await OnlyAsync();
        Assert.That(over, Is.EqualTo(["whsec_first", "whsec_second"]));
        Assert.That((written.Result, stored.Secret, stored.MaxBatch), Is.EqualTo((WriteResult.Replaced, "whsec_second", 3)));
    }

    [Test]
    public async Task Put_AfterAReplay_IsDecidedOverTheVersionThatItMade()
    {
        await Store.PutEndpointAsync(Hook("one"), "ann");
        using var turn = new ConfigurationTurn();
        var writer = Writer(turn);
        await writer.LoadAsync();
        var read = writer.Snapshot.All.Single().Version;
        await Log.ReplayAsync("default", "one", 0, 1, "ann");
        var written = await writer.PutAsync(
            "default",
            "one",
            version => version == read,
            static before => new(before!.Value! with { MaxBatch = 3 }),
            "bob"
        );
        Assert.That(written.Result, Is.EqualTo(WriteResult.Changed), "the change was meant for what was there before the replay");
        Assert.That((await OnlyAsync()).MaxBatch, Is.EqualTo(7));
    }

    [Test]
    public async Task Put_NameOfADeletedOne_BeginsAnewInAVersionThatItNeverHad()
    {
        await Store.PutEndpointAsync(Hook("one"), "ann");
        await Store.PutEndpointAsync(Hook("one"), "ann");
        var before = await OnlyAsync();
        await Store.DeleteEndpointAsync("default", "one", "ann");
        await Log.AppendAsync("default", EventType.WebhookDisabled, null, null, 1);
        await Store.PutEndpointAsync(Hook("one"), "ann");
        var after = await OnlyAsync();
        Assert.That(after.Version, Is.GreaterThan(before.Version));
        Assert.That(after.Progress, Is.EqualTo(new EndpointProgress(Log.Last)));
    }

    [Test]
    public async Task Audit_ActionsAndCreation_SayOfSecretsOnlyWhatTheyChange()
    {
        await Store.PutEndpointAsync(Hook("one"), "ann");
        await Store.SetWebhookPausedAsync("default", "one", true, "ann");
        await Store.PutEndpointAsync(
            (await OnlyAsync()) with
            {
                Secret = "whsec_new",
                PreviousSecret = "whsec_abc",
            },
            "ann",
            "rotate_secret"
        );
        var told = Bench.Audit().Select(static entry => entry.After!).ToList();
        const string what =
            """{"url":"https://example.com/in?key=***","types":["message.sent"],"style":"sync","final_only":true,"max_batch":7,""";
        Assert.That(
            told.Select(static text => text.Replace("\"auth_set\":true,", "")),
            Is.EqualTo([
                what + "\"paused\":false}",
                what + "\"paused\":true}",
                what + "\"paused\":true,\"secret_changed\":true,\"auth_changed\":false}",
            ])
        );
        Assert.That(told, Is.All.Contain("\"auth_set\":true"));
    }

    [Test]
    public async Task Progress_OfAnEndpointAndOfNone_IsWhatIsStored()
    {
        await Store.PutEndpointAsync(Hook("one"), "ann");
        var told = new EndpointProgress(5, FailingSince: 6, Failures: 7, LastError: "HTTP 500", Replay: new(1, 4));
        await Log.SaveProgressAsync(await OnlyAsync(), told);
        Assert.That(await Log.ProgressAsync("default", "one"), Is.EqualTo(told));
        Assert.That(await Log.ProgressAsync("default", "two"), Is.Null);
    }

    [Test]
    public async Task Snapshot_Progress_IsNobodysToAsk()
    {
        await Store.PutEndpointAsync(Hook("one"), "ann");
        var configured = (await Store.ValuesAsync(WebhookFields.Noun)).Single();
        Assert.That(() => configured.Progress, Throws.InvalidOperationException.With.Message.Contains("default/one"));
    }
}
