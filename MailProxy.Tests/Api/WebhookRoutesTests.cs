using MailProxy.Pipeline.Configuration.Webhooks;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

[TestFixture]
public sealed class WebhookRoutesTests
{
    private const string Plain = """{"url":"https://hooks.example/mail"}""";
    private static readonly string Secret = "whsec_" + Convert.ToBase64String(new byte[32]);

    private ApiHost _host = null!;

    [SetUp]
    public async Task StartAsync() => _host = await ApiHost.StartAsync();

    [TearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    private Task<HttpResponseMessage> PutAsync(string body, string id = "main") => _host.SendAsync("PUT", $"/v1/webhooks/{id}", body);

    [Test]
    public async Task Put_New_201SecretOnce()
    {
        using var created = await PutAsync(Plain);
        var json = await created.JsonAsync();
        var secret = json.GetProperty("secret").GetString()!;
        using var read = await _host.SendAsync("GET", "/v1/webhooks/main");
        using var again = await PutAsync(Plain);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)created.StatusCode, Is.EqualTo(201));
            Assert.That(created.Headers.Location?.OriginalString, Is.EqualTo("/v1/webhooks/main"));
            Assert.That(Convert.FromBase64String(secret["whsec_".Length..]), Has.Length.EqualTo(32));
            Assert.That(_host.Log.Endpoints.Single().Secret, Is.EqualTo(secret));
            Assert.That(_host.Log.Endpoints.Single().Progress.Acknowledged, Is.EqualTo(100), "begins where the log is now");
            Assert.That(
                (await read.Content.ReadAsStringAsync()).TrimEnd('\n'),
                Is.EqualTo(
                    """{"id":"main","tenant":"default","url":"https://hooks.example/mail","types":[],"style":"events","final_only":false,"max_batch":1,"status":"enabled","paused":false,"secret_set":true,"backlog":0,"lag_seconds":0,"failures":0}"""
                )
            );
            Assert.That((int)again.StatusCode, Is.EqualTo(200));
            Assert.That((await again.JsonAsync()).TryGetProperty("secret", out _), Is.False);
            Assert.That(_host.WebhookChanges, Is.EqualTo(2));
        }
    }

    [Test]
    public async Task Put_Everything_ReachesTheStore()
    {
        using var answer = await PutAsync(
            $$"""{"url":"http://127.0.0.1:9/x?y=1","types":["message.sent","webhook.disabled"],"style":"events","final_only":true,"max_batch":100,"secret":"{{Secret}}"}"""
        );
        Assert.That((int)answer.StatusCode, Is.EqualTo(201), await answer.Content.ReadAsStringAsync());
        var stored = _host.Log.Endpoints.Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(stored is { Url: "http://127.0.0.1:9/x?y=1", FinalOnly: true, MaxBatch: 100 });
            Assert.That(stored.Types, Is.EqualTo(new[] { "message.sent", "webhook.disabled" }));
            Assert.That(stored.Secret, Is.EqualTo(Secret));
            Assert.That(await answer.Content.ReadAsStringAsync(), Does.Not.Contain("whsec_"), "the client knows what it sent");
        }
    }

    [Test]
    public async Task Put_WhatGetAnswered_KeepsTheSecret()
    {
        using (await PutAsync(Plain)) { }
        var before = _host.Log.Endpoints.Single().Secret;
        using var read = await _host.SendAsync("GET", "/v1/webhooks/main");
        using var answer = await PutAsync(await read.Content.ReadAsStringAsync());
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        Assert.That(_host.Log.Endpoints.Single().Secret, Is.EqualTo(before));
    }

    [Test]
    public async Task Put_UrlChanges_SecretMustComeAgainOrBeMadeAnew()
    {
        using (await PutAsync(Plain)) { }
        var before = _host.Log.Endpoints.Single().Secret;
        using var refused = await PutAsync("""{"url":"https://other.example/"}""");
        Assert.That((await refused.ProblemAsync(422, "secret_required")).Pointers(), Is.EqualTo(new[] { "/secret" }));
        using var renewed = await PutAsync("""{"url":"https://other.example/","secret":null}""");
        var made = (await renewed.JsonAsync()).GetProperty("secret").GetString();
        Assert.That(_host.Log.Endpoints.Single().Secret, Is.EqualTo(made).And.Not.EqualTo(before));
    }

    [TestCase("""{}""", "/url required")]
    [TestCase("""{"url":"ftp://x.example/"}""", "/url invalid_url")]
    [TestCase("""{"url":"/relative"}""", "/url invalid_url")]
    [TestCase("""{"url":"https://user:pw@x.example/"}""", "/url invalid_url")]
    [TestCase("""{"url":"https://x.example/#part"}""", "/url invalid_url")]
    [TestCase("""{"url":"https://x.example/","style":"other"}""", "/style invalid_choice")]
    [TestCase("""{"url":"https://x.example/","auth":{"bearer":"t0ken","user":"u"}}""", "/auth invalid_auth")]
    [TestCase(
        """{"url":"https://x.example/","types":["message.sent","nonsense"],"max_batch":1001,"final_only":1}""",
        "/types/1 invalid_entry,/max_batch out_of_range,/final_only invalid_type"
    )]
    [TestCase("""{"url":"https://x.example/","secret":"short"}""", "/secret invalid_secret")]
    [TestCase("""{"url":"https://x.example/","secret":"whsec_AAAA"}""", "/secret invalid_secret")]
    [TestCase("""{"url":"https://x.example/","surprise":1}""", "/surprise unknown_field")]
    public async Task Put_Mistakes_EachWithPointerAndCode(string body, string expected)
    {
        using var answer = await PutAsync(body);
        var problem = await answer.JsonAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(422), problem.ToString());
        Assert.That(
            problem.GetProperty("errors").EnumerateArray().Select(e => $"{e.GetProperty("pointer")} {e.GetProperty("code")}"),
            Is.EquivalentTo(expected.Split(','))
        );
        Assert.That(problem.ToString(), Does.Not.Contain("t0ken"));
        Assert.That(_host.Log.Endpoints, Is.Empty);
    }

    [Test]
    public async Task Put_Second_StandsBesideTheFirst()
    {
        using (await PutAsync(Plain)) { }
        using var answer = await PutAsync(Plain, "second");
        Assert.That((int)answer.StatusCode, Is.EqualTo(201));
        Assert.That(_host.Log.Endpoints, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Put_WrongId_422()
    {
        using var answer = await PutAsync(Plain, "not.this");
        await answer.ProblemAsync(422, "invalid_id");
    }

    [Test]
    public async Task PauseResume_Known_KeepsSecretAndProgress()
    {
        using (await PutAsync(Plain)) { }
        var secret = _host.Log.Endpoints.Single().Secret;
        using var paused = await _host.SendAsync("POST", "/v1/webhooks/main/pause");
        Assert.That((await paused.JsonAsync()).GetProperty("status").GetString(), Is.EqualTo("paused"));
        _host.Log.Last = 130;
        using var read = await _host.SendAsync("GET", "/v1/webhooks/main");
        Assert.That((await read.JsonAsync()).GetProperty("backlog").GetInt64(), Is.EqualTo(30));
        using var resumed = await _host.SendAsync("POST", "/v1/webhooks/main/resume");
        Assert.That((await resumed.JsonAsync()).GetProperty("status").GetString(), Is.EqualTo("enabled"));
        Assert.That(_host.Log.Endpoints.Single() is { Paused: false, Progress.Acknowledged: 100 } endpoint && endpoint.Secret == secret);
    }

    [Test]
    public async Task Resume_Disabled_EnabledFromWhereItStood()
    {
        using (await PutAsync(Plain)) { }
        await _host.Log.SaveProgressAsync(_host.Log.Endpoints.Single(), new(42, 1_893_553_445_000, 9, 1_893_553_446_000, "410 Gone"));
        using var read = await _host.SendAsync("GET", "/v1/webhooks/main");
        var disabled = await read.JsonAsync();
        using var resumed = await _host.SendAsync("POST", "/v1/webhooks/main/resume");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(disabled.GetProperty("status").GetString(), Is.EqualTo("disabled"));
            Assert.That(disabled.GetProperty("last_error").GetString(), Is.EqualTo("410 Gone"));
            Assert.That((await resumed.JsonAsync()).GetProperty("status").GetString(), Is.EqualTo("enabled"));
            Assert.That(_host.Log.Endpoints.Single().Progress, Is.EqualTo(new EndpointProgress(42)));
        }
    }

    [Test]
    public async Task Put_Credentials_AreWriteOnlyAndBoundToTheUrl()
    {
        using var created = await PutAsync("""{"url":"https://x.example/","auth":{"bearer":"t0ken"}}""");
        using var kept = await PutAsync("""{"url":"https://x.example/","auth":{"bearer_set":true}}""");
        var stored = _host.Log.Endpoints.Single().Auth;
        using var moved = await PutAsync("""{"url":"https://other.example/","secret":null,"auth":{"bearer_set":true}}""");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await created.JsonAsync()).GetProperty("auth").ToString(), Is.EqualTo("""{"bearer_set":true}"""));
            Assert.That((int)kept.StatusCode, Is.EqualTo(200), await kept.Content.ReadAsStringAsync());
            Assert.That(stored, Is.EqualTo(new SourceAuth.Bearer("t0ken")));
            Assert.That((await moved.ProblemAsync(422, "secret_required")).Pointers(), Is.EqualTo(new[] { "/auth/bearer" }));
        }
    }

    [Test]
    public async Task RotateSecret_Known_ShowsTheNewOnceAndKeepsTheOldForAWhile()
    {
        using (await PutAsync(Plain)) { }
        var before = _host.Log.Endpoints.Single().Secret;
        using var rotated = await _host.SendAsync("POST", "/v1/webhooks/main/rotate-secret");
        var json = await rotated.JsonAsync();
        using var read = await _host.SendAsync("GET", "/v1/webhooks/main");
        var stored = _host.Log.Endpoints.Single();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(stored.Secret, Is.EqualTo(json.GetProperty("secret").GetString()).And.Not.EqualTo(before));
            Assert.That(stored.PreviousSecret, Is.EqualTo(before));
            Assert.That(stored.PreviousUntil, Is.EqualTo((_host.Clock.GetUtcNow() + TimeSpan.FromHours(24)).ToUnixTimeMilliseconds()));
            Assert.That((await read.JsonAsync()).TryGetProperty("secret", out _), Is.False);
            Assert.That(
                (await read.JsonAsync()).GetProperty("previous_secret_until").GetDateTime(),
                Is.EqualTo(_host.Clock.GetUtcNow().UtcDateTime.AddHours(24)).Within(TimeSpan.FromMilliseconds(1))
            );
            Assert.That(_host.WebhookChanges, Is.EqualTo(2));
        }
    }

    [Test]
    public async Task Test_Known_SaysHowItWasAnswered()
    {
        using (await PutAsync(Plain)) { }
        _host.TestWebhook = endpoint => new(false, 12.5, $"{endpoint.Url} is down.");
        using var answer = await _host.SendAsync("POST", "/v1/webhooks/main/test");
        Assert.That(
            (await answer.Content.ReadAsStringAsync()).TrimEnd('\n'),
            Is.EqualTo("""{"ok":false,"milliseconds":12.5,"error":"https://hooks.example/mail is down."}""")
        );
    }

    [Test]
    public async Task Replay_OfATime_ReachesTheStoreAndTheReporter()
    {
        using (await PutAsync(Plain)) { }
        using var answer = await _host.SendAsync("POST", "/v1/webhooks/main/replay", """{"from":"2026-11-01T00:00:00Z","to":1793577600}""");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((await answer.JsonAsync()).GetProperty("replay").GetProperty("left").GetInt64(), Is.EqualTo(20));
            Assert.That(_host.Log.Replays, Is.EqualTo(new[] { (1_793_491_200_000L, 1_793_577_600_000L) }));
            Assert.That(_host.WebhookChanges, Is.EqualTo(2));
        }
    }

    [TestCase("""{}""", "/from required")]
    [TestCase("""{"from":"yesterday"}""", "/from invalid_time")]
    [TestCase("""{"from":20,"to":10}""", "/from out_of_range")]
    [TestCase("""{"from":20,"till":10}""", "/till unknown_field")]
    public async Task Replay_Mistakes_EachWithPointerAndCode(string body, string expected)
    {
        using (await PutAsync(Plain)) { }
        using var answer = await _host.SendAsync("POST", "/v1/webhooks/main/replay", body);
        var errors = (await answer.JsonAsync()).GetProperty("errors").EnumerateArray();
        Assert.That(errors.Select(e => $"{e.GetProperty("pointer")} {e.GetProperty("code")}"), Is.EqualTo(new[] { expected }));
    }

    [TestCase("test", null)]
    [TestCase("rotate-secret", null)]
    [TestCase("replay", """{"from":0}""")]
    public async Task Actions_UnknownWebhook_404(string action, string? body)
    {
        using var answer = await _host.SendAsync("POST", $"/v1/webhooks/none/{action}", body);
        await answer.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task ListDelete_Known_ThenGone()
    {
        using (await PutAsync(Plain)) { }
        using var list = await _host.SendAsync("GET", "/v1/webhooks");
        Assert.That((await list.JsonAsync()).GetProperty("data").GetArrayLength(), Is.EqualTo(1));
        using var deleted = await _host.SendAsync("DELETE", "/v1/webhooks/main");
        Assert.That((int)deleted.StatusCode, Is.EqualTo(204));
        using var gone = await _host.SendAsync("GET", "/v1/webhooks/main");
        await gone.ProblemAsync(404, "not_found");
        using var twice = await _host.SendAsync("DELETE", "/v1/webhooks/main");
        await twice.ProblemAsync(404, "not_found");
        using var paused = await _host.SendAsync("POST", "/v1/webhooks/main/pause");
        await paused.ProblemAsync(404, "not_found");
    }
}
