using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>Dispatcher, status, sandbox, health, metrics.</summary>
[TestFixture]
public sealed class StatusRoutesTests
{
    private ApiHost _host = null!;

    [SetUp]
    public async Task StartAsync() => _host = await ApiHost.StartAsync();

    [TearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    [TestCase("suspend", true)]
    [TestCase("activate", false)]
    public async Task Dispatcher_Set_StoredAndDone(string action, bool suspended)
    {
        await _host.Sending.SetSuspendedAsync(!suspended, "before");
        _host.Suspended = suspended;
        using var answer = await _host.SendAsync("POST", $"/v1/dispatcher/{action}");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                (await answer.Content.ReadAsStringAsync()).TrimEnd('\n'),
                Is.EqualTo($$"""{"suspended":{{(suspended ? "true" : "false")}}}""")
            );
            Assert.That(_host.Sending.Suspended, Is.EqualTo(suspended), "survives a restart");
            Assert.That(_host.Dispatcher, Is.EqualTo(new[] { action }));
        }
    }

    [Test]
    public async Task Dispatcher_RunNow_Done()
    {
        using var answer = await _host.SendAsync("POST", "/v1/dispatcher/run-now");
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        Assert.That(_host.Dispatcher, Is.EqualTo(new[] { "run-now", "report " }), "everybody's webhooks too");
    }

    [Test]
    public async Task Status_Everything_OnOnePage()
    {
        var account = await _host.AddAsync(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = "main",
                Version = 1,
                Host = "x",
            }
        );
        await _host.AddAsync(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = "idle",
                Version = 1,
                Host = "x",
                Paused = true,
            }
        );
        _host.Lanes[account.Key] = new("account_limit", null, "500 of 500 per hour");
        _host.Queries.Counts = new([(MessageState.Queued, Priority.High, 3), (MessageState.Held, Priority.Low, 2)], 1_893_553_444_000, 0);
        _host.Clock.Advance(TimeSpan.FromSeconds(90));
        using var answer = await _host.SendAsync("GET", "/v1/status");

        var json = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!.AsObject();
        Assert.That(json["version"]!.GetValue<string>(), Does.Match(@"^\d+\.\d+\.\d+"));
        json.Remove("version");
        var expected = JsonNode.Parse(
            """
            {"started_at":"2030-01-02T03:04:05Z","uptime_seconds":90,"ready":true,"suspended":false,"store":{"ok":true},"disk":{"free_bytes":9223372036854775807,"floor_bytes":268435456},
             "queue":{"total":5,"depth":[{"status":"queued","priority":"high","count":3},{"status":"held","priority":"low","count":2}],"oldest_due_at":"2030-01-02T03:04:04Z","overdue":0},
             "accounts":[{"tenant":"default","id":"idle","paused":true,"waiting_for":{"reason":"account_paused","detail":"The account 'idle' was paused by a person; POST /v1/accounts/idle/resume lets its mail go."}},
                         {"tenant":"default","id":"main","paused":false,"waiting_for":{"reason":"account_limit","detail":"500 of 500 per hour"}}]}
            """
        );
        Assert.That(JsonNode.DeepEquals(json, expected), json.ToJsonString());
    }

    [Test]
    public async Task Status_StoreInTrouble_SaysSo()
    {
        _host.Health.StoreTrouble = "disk full";
        using var answer = await _host.SendAsync("GET", "/v1/status");
        var json = await answer.JsonAsync();
        Assert.That(json.GetProperty("store").ToString(), Is.EqualTo("""{"ok":false,"trouble":"disk full"}"""));
        Assert.That(json.GetProperty("ready").GetBoolean(), Is.False);
    }

    [Test]
    public async Task Ready_SeveralTroubles_AllAreNamedAndToldOnce()
    {
        _host.FreeDisk = 1000;
        _host.Missing = new("spool_missing", "The spool in '/srv/data' is gone.", "The spool is gone.");
        _host.Health.StoreTrouble = "disk full";
        for (var asked = 0; asked < 3; asked++)
        {
            _host.Clock.Advance(TimeSpan.FromSeconds(2));
            using var answer = await _host.SendAsync("GET", "/health/ready");
            var problem = await answer.ProblemAsync(503, "not_ready");
            Assert.That(
                problem.GetProperty("reasons").EnumerateArray().Select(r => r.GetProperty("code").GetString()),
                Is.EqualTo(new[] { "store_unavailable", "spool_missing", "disk_low" })
            );
            Assert.That(answer.Headers.RetryAfter, Is.Not.Null);
            Assert.That(problem.ToString(), Does.Contain("The spool is gone.").And.Contain("Free some space"));
            Assert.That(problem.ToString(), Does.Not.Contain("/srv").And.Not.Match("[0-9]{4,} "));
        }

        using var status = await _host.SendAsync("GET", "/v1/status");
        var json = await status.JsonAsync();
        Assert.That(json.GetProperty("not_ready").ToString(), Does.Contain("'/srv/data'").And.Contain("has 1000 bytes free"));
        Assert.That(
            (
                json.GetProperty("ready").GetBoolean(),
                json.GetProperty("not_ready").GetArrayLength(),
                json.GetProperty("disk").GetProperty("free_bytes").GetInt64()
            ),
            Is.EqualTo((false, 3, 1000))
        );

        (_host.FreeDisk, _host.Missing, _host.Health.StoreTrouble) = (long.MaxValue, null, null);
        _host.Clock.Advance(TimeSpan.FromSeconds(2));
        using (var again = await _host.SendAsync("GET", "/health/ready"))
            Assert.That((int)again.StatusCode, Is.EqualTo(200));
        var told = _host.Logged.Lines.Select(l => l.Text).ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(told.Count(t => t.Contains("No message is taken (disk_low)")), Is.EqualTo(1));
            Assert.That(told.Count(t => t.Contains("No message is taken (spool_missing)")), Is.EqualTo(1));
            Assert.That(told.Count(t => t.Contains("is over (disk_low)")), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Post_SpoolOrStoreGone_503AndNothingIsTaken()
    {
        _host.Missing = new("store_missing", "The file is gone.");
        using var answer = await _host.SendAsync("POST", "/v1/messages", """{"from":"a@x.example","to":"b@x.example","text":"t"}""");
        await answer.ProblemAsync(503, "store_unavailable");
    }

    [Test]
    public async Task Ready_Healthy_200()
    {
        using var answer = await _host.SendAsync("GET", "/health/ready");
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
    }

    [TestCase(true, "disk full", "disk full")]
    [TestCase(false, null, "not running")]
    public async Task Ready_Trouble_503WithReasonAliveNevertheless(bool running, string? trouble, string reason)
    {
        _host.Health.Running = running;
        _host.Health.StoreTrouble = trouble;
        using var answer = await _host.SendAsync("GET", "/health/ready");
        Assert.That((await answer.ProblemAsync(503, "not_ready")).GetProperty("detail").GetString(), Does.Contain(reason));
        using var live = await _host.SendAsync("GET", "/health/live");
        Assert.That((int)live.StatusCode, Is.EqualTo(200));
    }

    [Test]
    public async Task Metrics_Scraped_QueueAsItStands()
    {
        _host.Queries.Counts = new([(MessageState.Deferred, Priority.Low, 4)], 1_893_553_445_000 - 2_500, 0);
        using (await _host.SendAsync("GET", "/metrics")) { }
        _host.Queries.Counts = new([(MessageState.Queued, Priority.High, 3)], 1_893_553_445_000 - 2_500, 0)
        {
            OldestDueByLane = [(new(77), 1_893_553_445_000 - 2_500)],
        };
        using var answer = await _host.SendAsync("GET", "/metrics");
        var page = await answer.Content.ReadAsStringAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo("text/plain"));
            Assert.That(page, Does.Contain("mailproxy_queue_depth{state=\"queued\",priority=\"high\"} 3\n"));
            Assert.That(
                page,
                Does.Contain("mailproxy_queue_depth{state=\"deferred\",priority=\"low\"} 0\n"),
                "what has gone is not counted on"
            );
            Assert.That(page, Does.Contain("mailproxy_queue_oldest_due_seconds 2.5\n"));
            Assert.That(page, Does.Contain("mailproxy_queue_overdue 0\n"));
        }
    }

    [Test]
    public async Task Overdue_NamedReasons_AreLeftOut()
    {
        var busy = await _host.AddAsync(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = "busy",
                Version = 1,
                Host = "x",
            }
        );
        var paused = await _host.AddAsync(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = "paused",
                Version = 1,
                Host = "x",
                Paused = true,
            }
        );
        var limited = await _host.AddAsync(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = "limited",
                Version = 1,
                Host = "x",
            }
        );
        _host.Lanes[limited.Key] = new("account_limit");
        _host.Queries.Counts = new([], null, 1_111)
        {
            OverdueByLane = [(Lanes.Of(busy.Key), 1), (Lanes.Of(paused.Key), 10), (Lanes.Of(limited.Key), 100), (new(77), 1_000)],
            OldestDueByLane =
            [
                (Lanes.Of(paused.Key), 1_893_553_445_000 - 90_000),
                (Lanes.Of(limited.Key), 1_893_553_445_000 - 80_000),
                (Lanes.Of(busy.Key), 1_893_553_445_000 - 7_000),
            ],
        };

        using var page = await _host.SendAsync("GET", "/metrics");
        using var status = await _host.SendAsync("GET", "/v1/status");
        Assert.That(
            await page.Content.ReadAsStringAsync(),
            Does.Contain("mailproxy_queue_overdue 1001\n").And.Contain("mailproxy_queue_oldest_due_seconds 7\n"),
            "an account that is not there is no reason"
        );
        Assert.That((await status.JsonAsync()).GetProperty("queue").GetProperty("overdue").GetInt64(), Is.EqualTo(1_001));

        _host.Excused.UnionWith([Lanes.Of(busy.Key), new(77)]);
        using var after = await _host.SendAsync("GET", "/v1/status");
        Assert.That(
            (await after.JsonAsync()).GetProperty("queue").GetProperty("overdue").GetInt64(),
            Is.EqualTo(1_000),
            "its reason has ended only now"
        );

        _host.Suspended = true;
        using var suspended = await _host.SendAsync("GET", "/v1/status");
        Assert.That((await suspended.JsonAsync()).GetProperty("queue").GetProperty("overdue").GetInt64(), Is.EqualTo(1_000));
    }

    [Test]
    public async Task Sandbox_ListAndRaw()
    {
        for (var i = 1; i <= 3; i++)
            _host.Caught.Add(new(i, new DateTime(2030, 1, 2, 3, 4, 5, DateTimeKind.Utc), "a@x.example", ["b@x.example"], $"mail {i}", 10));
        using var first = await _host.SendAsync("GET", "/v1/sandbox/messages?limit=2");
        var page = await first.JsonAsync();
        using var second = await _host.SendAsync(
            "GET",
            $"/v1/sandbox/messages?limit=2&cursor={page.GetProperty("next_cursor").GetString()}"
        );
        using var raw = await _host.SendAsync("GET", "/v1/sandbox/messages/2/raw");
        using var none = await _host.SendAsync("GET", "/v1/sandbox/messages/9/raw");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                page.GetProperty("data")[0].ToString(),
                Is.EqualTo(
                    """{"id":3,"received_at":"2030-01-02T03:04:05Z","from":"a@x.example","to":["b@x.example"],"subject":"mail 3","size":10}"""
                )
            );
            Assert.That(
                (await second.JsonAsync()).GetProperty("data").EnumerateArray().Single().GetProperty("id").GetInt64(),
                Is.EqualTo(1)
            );
            Assert.That((await raw.Content.ReadAsStringAsync()).TrimEnd('\n'), Is.EqualTo("raw 2"));
            Assert.That(raw.Content.Headers.ContentType?.MediaType, Is.EqualTo("message/rfc822"));
        }

        await none.ProblemAsync(404, "not_found");
    }
}
