using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>What is done with an account that is there: shown, paused, tested, deleted.</summary>
[TestFixture]
public sealed class AccountActionRoutesTests
{
    private const string Plain =
        """{"host":"smtp.example","port":587,"security":"starttls","auth":{"user":"u","password":"s3cr3t-words"}}""";

    private ApiHost _host = null!;

    [SetUp]
    public async Task StartAsync() => _host = await ApiHost.StartAsync();

    [TearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    private Task<HttpResponseMessage> PutAsync(string body, string id = "main") => _host.SendAsync("PUT", $"/v1/accounts/{id}", body);

    private SmtpAccount Stored(string id = "main") => _host.Configuration.Values<SmtpAccount>().Single(a => a.Id == id);

    [Test]
    public async Task List_Pages_ById()
    {
        foreach (var id in (string[])["c", "a", "b"])
            using (await PutAsync(Plain, id)) { }
        using var first = await _host.SendAsync("GET", "/v1/accounts?limit=2");
        var page = await first.JsonAsync();
        using var second = await _host.SendAsync("GET", $"/v1/accounts?limit=2&cursor={page.GetProperty("next_cursor").GetString()}");
        var rest = await second.JsonAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                page.GetProperty("data").EnumerateArray().Select(a => a.GetProperty("id").GetString()),
                Is.EqualTo(new[] { "a", "b" })
            );
            Assert.That(rest.GetProperty("data").EnumerateArray().Select(a => a.GetProperty("id").GetString()), Is.EqualTo(new[] { "c" }));
            Assert.That(rest.GetProperty("next_cursor").GetString(), Is.Null);
        }
    }

    [Test]
    public async Task Get_Unknown_404()
    {
        using var answer = await _host.SendAsync("GET", "/v1/accounts/none");
        await answer.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task Get_LaneWaits_SaysWhy()
    {
        using (await PutAsync(Plain)) { }
        _host.Lanes[Stored().Key] = new("account_backoff", 1_893_553_445_000, "421 too many connections");
        using var answer = await _host.SendAsync("GET", "/v1/accounts/main");
        Assert.That(
            (await answer.JsonAsync()).GetProperty("waiting_for").ToString(),
            Is.EqualTo(
                """{"reason":"account_backoff","until":"2030-01-02T03:04:05Z","detail":"smtp.example:587: 421 too many connections"}"""
            )
        );
    }

    [Test]
    public async Task Delete_UnusedInUseUnknown_204And409And404()
    {
        using (await PutAsync(Plain)) { }
        _host.Configuration.InUse.Add("main");
        using var inUse = await _host.SendAsync("DELETE", "/v1/accounts/main");
        await inUse.ProblemAsync(409, "in_use");
        _host.Configuration.InUse.Clear();
        using var deleted = await _host.SendAsync("DELETE", "/v1/accounts/main");
        Assert.That((int)deleted.StatusCode, Is.EqualTo(204));
        Assert.That(_host.Current.Directory.All, Is.Empty);
        using var unknown = await _host.SendAsync("DELETE", "/v1/accounts/main");
        await unknown.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task PauseResume_Known_ActsAtOnceAndWakes()
    {
        using (await PutAsync(Plain)) { }
        using var paused = await _host.SendAsync("POST", "/v1/accounts/main/pause");
        Assert.That((await paused.JsonAsync()).GetProperty("waiting_for").GetProperty("reason").GetString(), Is.EqualTo("account_paused"));
        Assert.That(_host.Current.Directory.Find("default", "main")!.Paused);
        _host.Dispatcher.Clear();

        using var resumed = await _host.SendAsync("POST", "/v1/accounts/main/resume");
        Assert.That((await resumed.JsonAsync()).GetProperty("paused").GetBoolean(), Is.False);
        Assert.That(_host.Dispatcher, Is.EqualTo(new[] { "close default/main resume" }));
    }

    [Test]
    public async Task Pause_Paused_ChangesNothingAndIsToldOnce()
    {
        using (await PutAsync(Plain)) { }
        using var first = await _host.SendAsync("POST", "/v1/accounts/main/pause");
        using var second = await _host.SendAsync("POST", "/v1/accounts/main/pause");
        Assert.That(second.Headers.ETag, Is.EqualTo(first.Headers.ETag).And.Not.Null);
        Assert.That((await second.JsonAsync()).GetProperty("paused").GetBoolean());
        Assert.That(
            _host.Logged.Lines.Count(line => line.Text.Contains("default/main was stopped", StringComparison.Ordinal)),
            Is.EqualTo(1)
        );
    }

    [Test]
    public async Task Resume_NotPaused_ClosesTheCircuit()
    {
        using (await PutAsync(Plain)) { }
        Open();
        using var answer = await _host.SendAsync("POST", "/v1/accounts/main/resume");
        Assert.That((await answer.JsonAsync()).GetProperty("circuit").ToString(), Is.EqualTo("""{"state":"closed"}"""));
    }

    [Test]
    public async Task Get_InTrouble_ShowsTheCircuit()
    {
        using (await PutAsync(Plain)) { }
        Open();
        using var answer = await _host.SendAsync("GET", "/v1/accounts/main");
        var circuit = (await answer.JsonAsync()).GetProperty("circuit");
        Assert.That(
            circuit.ToString(),
            Is.EqualTo(
                """{"state":"open","cause":"authentication","since":"2030-01-02T03:04:05Z","until":"2030-01-02T03:05:05Z","failures":3,"smtp_code":535,"last_reply":"5.7.8 no","rule":"google/credentials","remedy":"Look.","via":"other"}"""
            )
        );
    }

    [Test]
    public async Task ResetCircuit_OpenThenClosed_ClosesItAndIsAuditedOnce()
    {
        using (await PutAsync(Plain)) { }
        Open();
        using var answer = await _host.SendAsync("POST", "/v1/accounts/main/circuit/reset");
        Assert.That((await answer.JsonAsync()).GetProperty("circuit").GetProperty("state").GetString(), Is.EqualTo("closed"));
        using (await _host.SendAsync("POST", "/v1/accounts/main/circuit/reset")) { }

        Assert.That(_host.Audit.Entries.Count(static entry => entry.Action == "account.circuit_reset"), Is.EqualTo(1));
        using var unknown = await _host.SendAsync("POST", "/v1/accounts/nobody/circuit/reset");
        await unknown.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task Test_ThatSucceeds_ClosesTheCircuit([Values] bool ok)
    {
        using (await PutAsync(Plain)) { }
        _host.Dispatcher.Clear();
        _host.TestAccount = _ => new(ok, "done", true, null, true, [], null, null, 1);

        using (await _host.SendAsync("POST", "/v1/accounts/main/test")) { }

        Assert.That(_host.Dispatcher, ok ? Is.EqualTo(new[] { "close default/main test" }) : Is.Empty);
    }

    private void Open() =>
        _host.Circuits[Stored().Key] = (
            CircuitState.Open,
            new()
            {
                Trouble = new(Stored().Key, TroubleKind.Authentication, 535, "5.7.8", "5.7.8 no")
                {
                    Rule = "google/credentials",
                    Remedy = "Look.",
                    Via = "other",
                },
                Since = 1_893_553_445_000,
                From = 1_893_553_445_000,
                Until = 1_893_553_505_000,
                Failures = 3,
                Version = 1,
            }
        );

    [Test]
    public async Task Pause_OldTag_412AndGoesOn()
    {
        using var first = await PutAsync(Plain);
        using (await PutAsync(Plain)) { }
        using var answer = await _host.SendAsync(
            "POST",
            "/v1/accounts/main/pause",
            null,
            "application/json",
            ("If-Match", first.Headers.ETag!.ToString())
        );
        await answer.ProblemAsync(412, "precondition_failed");
        Assert.That(Stored().Paused, Is.False);
    }

    [Test]
    public async Task Put_Paused_StaysPausedWithTheSameKey()
    {
        using (await PutAsync(Plain)) { }
        using (await _host.SendAsync("POST", "/v1/accounts/main/pause")) { }
        var before = Stored();
        using var answer = await PutAsync(Plain.Replace("587", "588"));
        Assert.That((await answer.JsonAsync()).GetProperty("paused").GetBoolean());
        Assert.That((Stored().Key, Stored().Paused, Stored().Port), Is.EqualTo((before.Key, true, 588)));
        Assert.That(Stored().Version, Is.GreaterThan(before.Version));
    }

    [Test]
    public async Task Get_TenantSuspended_SaysWhy()
    {
        using (await PutAsync(Plain)) { }
        using (await _host.SendAsync("PUT", "/v1/tenants/default", """{"name":"default","active":false}""")) { }
        using var answer = await _host.SendAsync("GET", "/v1/accounts/main");
        Assert.That(
            (await answer.JsonAsync()).GetProperty("waiting_for").GetProperty("reason").GetString(),
            Is.EqualTo("tenant_suspended")
        );
    }

    [TestCase("pause")]
    [TestCase("resume")]
    [TestCase("test")]
    public async Task Action_Unknown_404(string action)
    {
        using var answer = await _host.SendAsync("POST", $"/v1/accounts/none/{action}");
        await answer.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task Test_Refused_200SaysWhere()
    {
        using (await PutAsync(Plain)) { }
        _host.TestAccount = account =>
            new(false, "authenticate", true, "Tls13", false, ["AUTH PLAIN"], 535, $"bad credentials for {account.User}", 12.5);
        using var answer = await _host.SendAsync("POST", "/v1/accounts/main/test");
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        Assert.That(
            (await answer.Content.ReadAsStringAsync()).TrimEnd('\n'),
            Is.EqualTo(
                """{"ok":false,"stage":"authenticate","secure":true,"tls":"Tls13","authenticated":false,"extensions":["AUTH PLAIN"],"smtp_code":535,"error":"bad credentials for u","milliseconds":12.5}"""
            )
        );
    }
}
