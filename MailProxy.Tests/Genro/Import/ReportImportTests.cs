using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro.Import;

/// <summary>What nobody was told comes with the first report, once, in the order in which it happened; nothing else does.</summary>
[TestFixture]
internal sealed class ReportImportTests : ImportFixture
{
    [Test]
    public async Task Events_ThatWereNotReported_AreToldAsTheyWould()
    {
        var (then, next) = (Now - 600, Now + 36_000);
        await using var application = await LoopbackWebhook.StartAsync();
        using (var old = Old())
        {
            AddTenant(
                old,
                "acme",
                ("client_base_url", new Uri(application.Url).GetLeftPart(UriPartial.Authority)),
                ("api_key_hash", OldDatabase.HashOf(Token))
            );
            AddAccount(old);
            var waits = AddMessage(old, "waits", null, ("deferred_ts", next));
            AddEvent(old, waits, "deferred", then - 100, ("description", "451 first"), ("reported_ts", then));
            AddEvent(old, waits, "deferred", next, ("description", "451 \"second\"\n<b>"));
            var limit = AddMessage(old, "limit", null, ("smtp_ts", then));
            AddEvent(old, limit, "error", then, ("description", "rate_limit_exceeded"));
            var bounced = AddMessage(old, "bounced", null, ("smtp_ts", then));
            AddEvent(old, bounced, "sent", then, ("reported_ts", then + 1));
            AddEvent(
                old,
                bounced,
                "bounce",
                then + 60,
                ("description", "No such user"),
                ("metadata", """{"bounce_type":"hard","bounce_code":550}""")
            );
            AddEvent(old, bounced, "pec_delivery", then + 70);
            var future = AddMessage(old, "future", null, ("smtp_ts", long.MaxValue));
            AddEvent(old, future, "error", long.MaxValue, ("description", new string('é', 100_000)));
            AddEvent(old, "pk-nowhere", "sent", then);
            AddEvent(old, waits, "exploded", then);
        }

        var tally = await ImportAsync();
        Assert.That(tally.Of("events for the first report"), Is.EqualTo(4));
        Assert.That(
            LeftOut(tally, "event"),
            Is.EqualTo(
                new[]
                {
                    "acme/bounced: receipts of certified mail (PEC) are not reported here",
                    "pk-nowhere: its message is not there",
                    "acme/waits: there is no such kind of event here",
                }
            )
        );
        await using var daemon = await StartAsync();
        var told = JsonNode.Parse((await application.NextAsync()).Text)!["delivery_report"]!.AsArray();
        Assert.That(told, Has.Count.EqualTo(4), told.ToJsonString());
        Assert.That(
            JsonNode.DeepEquals(
                told[0],
                new JsonObject
                {
                    ["id"] = "waits",
                    ["deferred_ts"] = next,
                    ["deferred_reason"] = "451 \"second\"\n<b>",
                }
            ),
            told[0]!.ToJsonString()
        );
        Assert.That(told[1]!.ToJsonString(), Is.EqualTo($$"""{"id":"limit","error_ts":{{then}},"error":"rate_limit_exceeded"}"""));
        Assert.That(
            told[2]!.ToJsonString(),
            Is.EqualTo(
                $$"""{"id":"bounced","bounce_ts":{{then + 60}},"bounce_type":"hard","bounce_code":"550","bounce_reason":"No such user"}"""
            )
        );
        Assert.That((long)told[3]!["error_ts"]!, Is.LessThanOrEqualTo(Now));

        // Nothing comes a second time.
        await daemon.PostAsync("/commands/run-now", new { }, Token);
        Assert.That((await application.NextAsync()).Text, Is.EqualTo("""{"delivery_report":[]}"""));
    }

    [Test]
    public async Task Events_OfATenantWithoutAnAddress_AreToldToNobodyAndThatIsSaid()
    {
        using (var old = Old())
        {
            AddBoth(old);
            AddEvent(old, AddMessage(old, "m", null, ("smtp_ts", Now)), "sent", Now);
        }

        var tally = await ImportAsync();
        Assert.That(tally.Notes, Has.Some.Contains("1 events of the tenant 'acme' were not reported"));
    }

    [Test]
    public async Task Sends_OfTheLastDay_CountUnderTheLimit()
    {
        using (var old = Old())
        {
            AddTenant(old);
            AddAccount(old, "acme", "main", ("limit_per_hour", 10), ("limit_per_day", 20));
            for (var n = 0; n < 4; n++)
                old.Add("send_log", ("account_id", "main"), ("timestamp", Now - 60));
            for (var n = 0; n < 3; n++)
                old.Add("send_log", ("account_id", "main"), ("timestamp", Now - 7_200));
            old.Add("send_log", ("account_id", "main"), ("timestamp", Now - 200_000));
            old.Add("send_log", ("account_id", "main"), ("timestamp", long.MaxValue));
            old.Add("send_log", ("account_id", "main"), ("timestamp", "never"));
            old.Add("send_log", ("account_id", "other"), ("timestamp", Now));
            old.Add("send_log", ("account_id", null), ("timestamp", Now));
        }

        var tally = await ImportAsync();
        Assert.That(tally.Of("sends of the last day, for limits"), Is.EqualTo(7));
        await using var daemon = await StartAsync();
        var limits = (await daemon.OwnAsync("/accounts/main"))["limits_now"]!.ToJsonString();
        Assert.That(limits, Does.Contain("\"used\":4").And.Contain("\"used\":7"), limits);
    }

    [Test]
    public async Task Instance_AndCommands_AreKeptWithoutSecrets()
    {
        using (var old = Old())
        {
            AddBoth(old);
            old.Add(
                "instance",
                ("id", 1),
                ("name", "post"),
                ("api_token", "t"),
                ("bounce_enabled", 1),
                ("bounce_imap_host", "imap.example.com"),
                ("bounce_imap_password", OldDatabase.Seal("p", SealingKey))
            );
            Command("addAccount", "acme", """{"id":"main","password":"secret"}""");
            Command("addMessages", "acme", """{"messages":[{"id":"m","body":"secret"}]}""");
            Command("addTenant", "other", """{"id":"other"}""");
            Command("suspend", "acme", "not json");

            void Command(string endpoint, string tenant, string payload) =>
                old.Add(
                    "command_log",
                    ("command_ts", Now - 100),
                    ("endpoint", endpoint),
                    ("tenant_id", tenant),
                    ("payload", payload),
                    ("response_status", 200),
                    ("response_body", "secret")
                );
        }

        var key = new Dictionary<string, string> { ["MAIL_PROXY_ENCRYPTION_KEY"] = Convert.ToBase64String(SealingKey) };
        var tally = await ImportAsync(environment: key);
        Assert.That(tally.Notes, Has.Some.Contains("Bounces were fetched by IMAP").And.Some.Contains("Genro:AdminToken"));
        await using var daemon = await StartAsync();
        var instance = await daemon.GetAsync("/instance");
        Assert.That(((string)instance["name"]!, (bool)instance["bounce_enabled"]!), Is.EqualTo(("post", true)));
        var commands = (await daemon.GetAsync("/command-log"))["commands"]!.AsArray();
        Assert.That(commands.Select(static one => (string)one!["endpoint"]!), Is.EqualTo(new[] { "addAccount", "addMessages" }));
        Assert.That(commands.ToJsonString(), Does.Not.Contain("secret"));
    }
}
