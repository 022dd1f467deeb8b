using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Webhooks;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>What an action changes of a webhook, and what it leaves.</summary>
[TestFixture]
public sealed class WebhookChangeTests
{
    private ApiHost _host = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _host = await ApiHost.StartAsync();
        using var made = await SendAsync("PUT", "", """{"url":"https://hooks.example/mail"}""");
        Assert.That((int)made.StatusCode, Is.EqualTo(201));
    }

    [TearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    private Task<HttpResponseMessage> SendAsync(string method, string action, string? body = null, params (string, string)[] headers) =>
        _host.SendAsync(method, "/v1/webhooks/main" + action, body, "application/json", headers);

    private async Task<string> TagAsync(string method, string action)
    {
        using var answer = await SendAsync(method, action);
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        return answer.Headers.ETag!.ToString();
    }

    [Test]
    public async Task PauseResume_Again_ChangesNothing()
    {
        var tags = new List<string> { await TagAsync("GET", "") };
        foreach (var action in (string[])["/resume", "/pause", "/pause", "/resume", "/resume"])
            tags.Add(await TagAsync("POST", action));
        Assert.That(_host.Log.Done, Is.EqualTo(["create", "pause", "resume"]));
        Assert.That(tags[1], Is.EqualTo(tags[0]));
        Assert.That(tags[3], Is.EqualTo(tags[2]).And.Not.EqualTo(tags[1]));
        Assert.That(tags[5], Is.EqualTo(tags[4]).And.Not.EqualTo(tags[3]));
    }

    [Test]
    public async Task Resume_DisabledAndNotPaused_IsAChange()
    {
        await _host.Log.SaveProgressAsync(_host.Log.Endpoints.Single(), new(42, Failures: 9, DisabledAt: 5));
        await TagAsync("POST", "/resume");
        await TagAsync("POST", "/resume");
        Assert.That(_host.Log.Done, Is.EqualTo(["create", "resume"]));
        Assert.That(_host.Log.Endpoints.Single().Progress, Is.EqualTo(new EndpointProgress(42)));
    }

    [TestCase("/pause", null)]
    [TestCase("/resume", null)]
    [TestCase("/rotate-secret", null)]
    [TestCase("/replay", """{"from":0}""")]
    public async Task Action_ForAnotherVersion_412AndNothingChanges(string action, string? body)
    {
        var before = _host.Log.Endpoints.Single();
        using var answer = await SendAsync("POST", action, body, ("If-Match", "\"other\""));
        await answer.ProblemAsync(412, "precondition_failed");
        Assert.That(_host.Log.Endpoints.Single(), Is.EqualTo(before));
        Assert.That(_host.Log.Done, Is.EqualTo(["create"]));
        Assert.That(_host.Log.Replays, Is.Empty);
    }

    [TestCase("/pause", null)]
    [TestCase("/resume", null)]
    [TestCase("/rotate-secret", null)]
    [TestCase("/test", null)]
    [TestCase("/replay", """{"from":0}""")]
    public async Task Action_OfADamagedOne_500(string action, string? body)
    {
        await DamageAsync();
        using var answer = await SendAsync("POST", action, body);
        await answer.ProblemAsync(500, "resource_damaged");
        Assert.That(_host.Log.Replays, Is.Empty);
    }

    [Test]
    public async Task Put_DamagedOne_IsMendedWithASecretThatIsShown()
    {
        await DamageAsync();
        using var answer = await SendAsync("PUT", "", """{"url":"https://hooks.example/mail"}""");
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        Assert.That(
            (await answer.JsonAsync()).GetProperty("secret").GetString(),
            Is.EqualTo(_host.Configuration.Values<WebhookEndpoint>().Single().Secret)
        );
    }

    [Test]
    public async Task Put_SecretGivenAgain_EndsTheOneBefore()
    {
        using var rotated = await SendAsync("POST", "/rotate-secret");
        var secret = (await rotated.JsonAsync()).GetProperty("secret").GetString();
        using (await SendAsync("PUT", "", """{"url":"https://hooks.example/mail","max_batch":2}""")) { }
        var kept = _host.Log.Endpoints.Single();
        using var given = await SendAsync("PUT", "", $$"""{"url":"https://hooks.example/mail","secret":"{{secret}}"}""");
        var now = _host.Log.Endpoints.Single();
        Assert.That((kept.Secret, kept.PreviousSecret is null, kept.MaxBatch), Is.EqualTo((secret, false, 2)));
        Assert.That((now.Secret, now.PreviousSecret, now.PreviousUntil), Is.EqualTo((secret, (string?)null, (long?)null)));
        Assert.That((await given.JsonAsync()).TryGetProperty("secret", out _), Is.False, "the client knows what it sent");
    }

    [Test]
    public async Task Put_PausedOne_StaysPausedWhateverTheBodySays()
    {
        await TagAsync("POST", "/pause");
        using var answer = await SendAsync("PUT", "", """{"url":"https://hooks.example/mail","paused":false,"status":"enabled"}""");
        Assert.That((await answer.JsonAsync()).GetProperty("status").GetString(), Is.EqualTo("paused"));
    }

    [Test]
    public async Task Put_SeveralMistakes_ComeInTheOrderOfTheFields()
    {
        using var answer = await SendAsync("PUT", "", """{"auth":{},"secret":1,"max_batch":0,"types":1,"url":1}""");
        var errors = (await answer.JsonAsync()).GetProperty("errors").EnumerateArray();
        Assert.That(
            errors.Select(e => $"{e.GetProperty("pointer")}").Distinct(),
            Is.EqualTo(["/url", "/types", "/max_batch", "/auth", "/secret"])
        );
    }

    private Task DamageAsync()
    {
        _host.Configuration.Clear<WebhookEndpoint>();
        _host.Configuration.Add<WebhookEndpoint>("default", "main", null);
        return _host.Services.GetRequiredService<ConfigurationWriter<WebhookEndpoint>>().LoadAsync();
    }
}
