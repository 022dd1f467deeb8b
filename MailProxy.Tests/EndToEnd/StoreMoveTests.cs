using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Storage.Moves;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A daemon's store is moved to PostgreSQL and back: its clients notice nothing.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed partial class StoreMoveTests
{
    private const int Large = 700_000;

    private static readonly string[] Lists =
    [
        "/v1/messages?limit=200",
        "/v1/events?limit=500",
        "/v1/accounts",
        "/v1/pools",
        "/v1/suppressions",
        "/v1/batches/paused",
        "/v1/audit",
        "/v1/messages/deferred/attempts",
        "/v1/messages/large",
    ];

    private MoveBench _bench = null!;
    private LoopbackWebhook _hook = null!;
    private string _acme = "",
        _cursor = "",
        _first = "";

    [SetUp]
    public async Task Make() => (_bench, _hook) = (new(), await LoopbackWebhook.StartAsync());

    [TearDown]
    public async Task Drop()
    {
        await _hook.DisposeAsync();
        _bench.Dispose();
    }

    [Test]
    public async Task Store_MovedThereAndBack_AnswersAsBeforeAndGoesOn()
    {
        // 1. In SQLite.
        string[] before;
        await using (var daemon = await StartAsync("a"))
        {
            await FillAsync(daemon);
            before = await AnswersAsync(daemon);
            await daemon.StopAsync();
        }

        // 2. There and back, with nobody in between: the same to the last octet.
        var dump = _bench.Dump("a");
        _bench.Move(_bench.Sqlite("a"), _bench.Postgres);
        Assert.That(async () => await StartAsync("a"), Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("was moved to"));
        _bench.Move(_bench.Postgres, _bench.Sqlite("b"));
        Assert.That(_bench.Dump("b"), Is.EqualTo(dump));
        Assert.That(
            async () => await StartAsync("b", isPostgres: true),
            Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("was moved to")
        );

        // 3. There once more, in the same directory, which has the keys.
        File.Copy(Path.Combine(_bench.At("a"), "master.key"), Path.Combine(_bench.At("b"), "master.key"));
        _bench.InPostgres("DROP SCHEMA mailproxy CASCADE");
        _bench.Move(_bench.Sqlite("b"), _bench.Postgres);
        await using (var daemon = await StartAsync("b", isPostgres: true))
        {
            Assert.That(await AnswersAsync(daemon), Is.EqualTo(before));
            await GoesOnAsync(daemon, "pg");
            before = await AnswersAsync(daemon);
            await daemon.StopAsync();
        }

        // 4. And back, with what has happened there.
        _bench.Move(_bench.Postgres, _bench.Sqlite("c"));
        File.Copy(Path.Combine(_bench.At("a"), "master.key"), Path.Combine(_bench.At("c"), "master.key"));
        await using (var daemon = await StartAsync("c"))
        {
            Assert.That(await AnswersAsync(daemon), Is.EqualTo(before));
            await GoesOnAsync(daemon, "lite");
            await daemon.StopAsync();
        }
    }

    [Test]
    public async Task Store_OfARunningDaemon_IsNotMoved()
    {
        await using (var daemon = await StartAsync("a"))
        {
            Assert.That(
                () => _bench.Move(_bench.Sqlite("a"), _bench.Postgres),
                Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("is in use by another process")
            );
            await daemon.StopAsync();
        }

        _bench.Move(_bench.Sqlite("a"), _bench.Postgres);
        await using (var daemon = await StartAsync("a", isPostgres: true))
        {
            Assert.That(
                () => _bench.Move(_bench.Postgres, _bench.Sqlite("b")),
                Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("a daemon is connected to the database")
            );
            await daemon.StopAsync();
        }
    }

    private Task<TestDaemon> StartAsync(string name, bool isPostgres = false) =>
        TestDaemon.StartAsync(
            _bench.At(name),
            ("Storage:Provider", isPostgres ? "postgres" : "sqlite"),
            ("Storage:ConnectionString", isPostgres ? _bench.Connection : ""),
            ("Network:Allowed:0", "127.0.0.0/8"),
            ("Log:Level", "Error")
        );

    private async Task FillAsync(TestDaemon daemon)
    {
        _acme = await daemon.MakeTenantAsync("acme");
        await daemon.PutAccountAsync("other", FreePort.Take());
        await PutAsync(daemon, "/v1/pools/both", new { strategy = "failover", accounts = (string[])["sandbox", "other"] });
        await PutAsync(daemon, "/v1/webhooks/w", new { url = _hook.Url });
        await PutAsync(daemon, "/v1/suppressions", new { address = "no@example.com", reason = "bounced" });
        foreach (var (id, to) in ((string, string)[])[("sent", "good"), ("deferred", "temp"), ("failed", "perm"), ("suppressed", "no")])
            await daemon.PostAsync(Mail(id, $"{to}@example.com"));
        await daemon.PostAsync(Mail("ambiguous", "drop@example.com"));
        await daemon.UntilAsync("sent", EventType.MessageSent);
        await daemon.UntilAsync("deferred", EventType.MessageDeferred);
        await daemon.UntilAsync("failed", EventType.MessageFailed);
        await daemon.UntilAsync("ambiguous", EventType.MessageAmbiguous);

        _first = await PostWithKeyAsync(daemon);
        await daemon.UntilAsync("keyed", EventType.MessageSent);
        Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/batches/paused/suspend"), Is.EqualTo(HttpStatusCode.OK));
        await daemon.PostAsync(Mail("in-batch", "good@example.com", batch: "paused"));
        Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend"), Is.EqualTo(HttpStatusCode.OK));
        foreach (var id in (string[])["waits", "held", "cancelled"])
            await daemon.PostAsync(Mail(id, "good@example.com"));
        await daemon.PostAsync(Mail("large", "good@example.com", new string('x', Large)));
        await daemon.PostAsync(Mail("pooled", "good@example.com", account: null, pool: "both"));
        await daemon.PostAsync(Mail("scheduled", "good@example.com", sendAt: "2099-01-01T00:00:00Z"));
        foreach (var (id, action) in ((string, string)[])[("held", "hold"), ("cancelled", "cancel")])
            Assert.That(await daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{id}/{action}"), Is.EqualTo(HttpStatusCode.OK));
        using (var acme = daemon.As(_acme))
        {
            using var answer = await acme.PutAsJsonAsync(
                "/v1/accounts/main",
                new
                {
                    host = "127.0.0.1",
                    port = 1,
                    security = "none",
                    auth = new { user = "u", password = "s" },
                }
            );
            Assert.That(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
            using var posted = await acme.PostAsJsonAsync("/v1/messages", Mail("theirs", "x@example.com", account: "main"));
            Assert.That(posted.StatusCode, Is.EqualTo(HttpStatusCode.Accepted), await posted.Content.ReadAsStringAsync());
        }

        await ReportedAsync("cancelled");
        Assert.That(Directory.EnumerateFiles(Path.Combine(daemon.Data, "spool")).Count(), Is.EqualTo(1));
        _cursor = (string)(await daemon.GetAsync("/v1/events?limit=500"))["next_cursor"]!;
    }

    /// <summary>
    /// What waited is sent, the feed has no hole behind its old cursor, keys are known, and webhooks are told only what is new.
    /// </summary>
    private async Task GoesOnAsync(TestDaemon daemon, string id)
    {
        Assert.That(await PostWithKeyAsync(daemon), Is.EqualTo(_first));
        using (var acme = daemon.As(_acme))
            Assert.That((string)JsonNode.Parse(await acme.GetStringAsync("/v1/messages/theirs"))!["id"]!, Is.EqualTo("theirs"));
        var told = _hook.Hits.Count;

        if (id == "pg")
        {
            Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate"), Is.EqualTo(HttpStatusCode.OK));
            foreach (var waited in (string[])["waits", "large", "pooled"])
                await daemon.UntilAsync(waited, EventType.MessageSent);
        }
        else
        {
            Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/batches/paused/activate"), Is.EqualTo(HttpStatusCode.OK));
            Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/messages/held/release"), Is.EqualTo(HttpStatusCode.OK));
            foreach (var waited in (string[])["in-batch", "held"])
                await daemon.UntilAsync(waited, EventType.MessageSent);
        }

        await daemon.PostAsync(Mail(id, "good@example.com"));
        await daemon.UntilAsync(id, EventType.MessageSent);
        await ReportedAsync(id);

        var all = (await daemon.GetAsync("/v1/events?limit=500"))["data"]!.AsArray().Select(static one => (string)one!["id"]!).ToArray();
        var page = await daemon.GetAsync($"/v1/events?limit=500&after={Uri.EscapeDataString(_cursor)}");
        var behind = page["data"]!.AsArray().Select(static one => (string)one!["id"]!).ToArray();
        Assert.That(all, Is.Unique);
        Assert.That(behind, Is.Not.Empty.And.EqualTo(all[^behind.Length..]));
        Assert.That(_hook.Hits.Skip(told).Select(static hit => hit.Text), Has.None.Contains("\"cancelled\""), "reported before");
        _cursor = (string)page["next_cursor"]!;
    }

    private static async Task<string[]> AnswersAsync(TestDaemon daemon)
    {
        var answers = new List<string>();
        foreach (var path in Lists)
            answers.Add($"{path}: {OfTheMoment().Replace(await daemon.Http.GetStringAsync(path), "")}");
        return [.. answers];
    }

    private async Task ReportedAsync(string id)
    {
        while (!_hook.Hits.Any(hit => hit.Text.Contains($"\"{id}\"", StringComparison.Ordinal)))
            await _hook.NextAsync();
    }

    private static async Task<string> PostWithKeyAsync(TestDaemon daemon)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages")
        {
            Content = JsonContent.Create(Mail("keyed", "good@example.com")),
        };
        request.Headers.Add("Idempotency-Key", "once");
        using var answer = await daemon.Http.SendAsync(request);
        return $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
    }

    private static async Task PutAsync(TestDaemon daemon, string path, object body)
    {
        using var answer = await daemon.Http.PutAsJsonAsync(path, body);
        Assert.That(answer.IsSuccessStatusCode, $"{path}: {await answer.Content.ReadAsStringAsync()}");
    }

    private static JsonObject Mail(
        string id,
        string to,
        string text = "x",
        string? account = "sandbox",
        string? pool = null,
        string? batch = null,
        string? sendAt = null
    )
    {
        var mail = new JsonObject
        {
            ["id"] = id,
            ["from"] = "a@example.com",
            ["to"] = to,
            ["text"] = text,
            ["on_ambiguous"] = "assume_sent",
        };
        foreach (var (name, value) in ((string, string?)[])[("account", account), ("pool", pool), ("batch", batch), ("send_at", sendAt)])
        {
            if (value is not null)
                mail[name] = value;
        }

        if (sendAt is not null)
            mail["expires_at"] = "2099-01-02T00:00:00Z";
        return mail;
    }

    /// <summary>No two cursors are the same, whatever place they are of; what waits for a node does so only at the start.</summary>
    [GeneratedRegex("\"next_cursor\":\"[^\"]*\"|\"waiting_for\":\\{[^}]*\\}")]
    private static partial Regex OfTheMoment();
}
