using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>A change may name the version that it is meant for, of whatever is configured.</summary>
[TestFixture("volumes")]
[TestFixture("webhooks")]
public sealed class PreconditionTests(string collection)
{
    private string One => Body("one.example");
    private string Two => Body("two.example");
    private string Three => Body("three.example");

    private string Body(string host) =>
        collection switch
        {
            "volumes" => $$$"""{"backend":"http","config":{"base_url":"https://{{{host}}}/"}}""",
            _ => $$"""{"url":"https://{{host}}/","secret":null}""",
        };

    private const string Relay = """{"host":"one.example","port":25,"security":"none"}""";
    private const string OtherRelay = """{"host":"two.example","port":25,"security":"none"}""";

    private ApiHost _host = null!;

    [SetUp]
    public async Task StartAsync() => _host = await ApiHost.StartAsync();

    [TearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    private Task<HttpResponseMessage> SendAsync(string method, string? body, params (string, string)[] headers) =>
        _host.SendAsync(method, $"/v1/{collection}/main", body, "application/json", headers);

    private async Task<string> PutAsync(string body)
    {
        using var answer = await SendAsync("PUT", body);
        return answer.Headers.ETag!.ToString();
    }

    private string Stored =>
        collection switch
        {
            "volumes" => ((VolumeConfig.Http)_host.Configuration.Values<Volume>().Single().Config).BaseUrl.Host,
            _ => new Uri(_host.Configuration.Values<WebhookEndpoint>().Single().Url).Host,
        };

    private Task AddDamagedAsync() =>
        collection == "volumes"
            ? _host.AddAsync<Volume>("default", "main", null)
            : _host.AddAsync<WebhookEndpoint>("default", "main", null);

    [Test]
    public async Task Get_AfterPut_AnswersTheSameTagUntilAChange()
    {
        var first = await PutAsync(One);
        using var read = await SendAsync("GET", null);
        var second = await PutAsync(Two);
        Assert.That(read.Headers.ETag!.ToString(), Is.EqualTo(first));
        Assert.That(second, Is.Not.EqualTo(first));
    }

    [Test]
    public async Task Put_TwoWithTheSameTag_OneWins()
    {
        var tag = await PutAsync(One);
        var both = await Task.WhenAll(SendAsync("PUT", Two, ("If-Match", tag)), SendAsync("PUT", Three, ("If-Match", tag)));
        Assert.That(both.Select(answer => (int)answer.StatusCode), Is.EquivalentTo(new[] { 200, 412 }));
        var lost = both.Single(answer => (int)answer.StatusCode == 412);
        await lost.ProblemAsync(412, "precondition_failed");
        Assert.That(Stored, Is.EqualTo((int)both[0].StatusCode == 200 ? "two.example" : "three.example"));
        foreach (var answer in both)
            answer.Dispose();
    }

    [TestCase("If-Match", "*", 200)]
    [TestCase("If-Match", "\"other\"", 412)]
    [TestCase("If-Match", "no tag", 412)]
    [TestCase("If-None-Match", "*", 412)]
    public async Task Put_Known_ByItsPrecondition(string header, string value, int status)
    {
        await PutAsync(One);
        using var answer = await SendAsync("PUT", Two, (header, value));
        Assert.That((int)answer.StatusCode, Is.EqualTo(status));
        Assert.That(Stored, Is.EqualTo(status == 200 ? "two.example" : "one.example"));
    }

    [TestCase("If-Match", "*", 412)]
    [TestCase("If-None-Match", "*", 201)]
    public async Task Put_New_ByItsPrecondition(string header, string value, int status)
    {
        using var answer = await SendAsync("PUT", One, (header, value));
        Assert.That((int)answer.StatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task Put_TagOfOneThatWasDeleted_412()
    {
        var tag = await PutAsync(One);
        using (await SendAsync("DELETE", null)) { }
        await PutAsync(Two);
        using var answer = await SendAsync("PUT", Three, ("If-Match", tag));
        Assert.That((int)answer.StatusCode, Is.EqualTo(412));
    }

    [Test]
    public async Task Delete_OldTagAndNewTag_412And204()
    {
        var first = await PutAsync(One);
        var second = await PutAsync(Two);
        using var old = await SendAsync("DELETE", null, ("If-Match", first));
        using var now = await SendAsync("DELETE", null, ("If-Match", second));
        Assert.That(((int)old.StatusCode, (int)now.StatusCode), Is.EqualTo((412, 204)));
    }

    [TestCase("accounts", Relay, OtherRelay)]
    public async Task EveryNoun_OldTagAndNewTag_412AndTaken(string noun, string one, string two)
    {
        Task<HttpResponseMessage> AskAsync(string method, string? body, params (string, string)[] headers) =>
            _host.SendAsync(method, $"/v1/{noun}/main", body, "application/json", headers);
        using var made = await AskAsync("PUT", one, ("If-None-Match", "*"));
        using var again = await AskAsync("PUT", one, ("If-None-Match", "*"));
        using var first = await AskAsync("GET", null);
        var old = first.Headers.ETag!.ToString();
        Assert.That(made.Headers.ETag!.ToString(), Is.EqualTo(old));
        using var changed = await AskAsync("PUT", two, ("If-Match", old));
        using var late = await AskAsync("PUT", one, ("If-Match", old));
        using var kept = await AskAsync("GET", null);
        using var spared = await AskAsync("DELETE", null, ("If-Match", old));
        using var deleted = await AskAsync("DELETE", null, ("If-Match", kept.Headers.ETag!.ToString()));
        HttpResponseMessage[] answers = [made, again, changed, late, spared, deleted];
        Assert.That(answers.Select(static answer => (int)answer.StatusCode), Is.EqualTo([201, 412, 200, 412, 412, 204]));
        Assert.That(await kept.Content.ReadAsStringAsync(), Does.Contain("two.example"));
    }

    [Test]
    public async Task Damaged_IsToldAloneAndHealedByPut()
    {
        await AddDamagedAsync();
        using (await _host.SendAsync("PUT", $"/v1/{collection}/other", One)) { }
        using var damaged = await SendAsync("GET", null);
        await damaged.ProblemAsync(500, "resource_damaged");
        using var list = await _host.SendAsync("GET", $"/v1/{collection}");
        Assert.That(
            (await list.JsonAsync()).GetProperty("data").EnumerateArray().Single().GetProperty("id").GetString(),
            Is.EqualTo("other")
        );
        using var put = await SendAsync("PUT", Two);
        using var healed = await SendAsync("GET", null);
        Assert.That(((int)put.StatusCode, (int)healed.StatusCode), Is.EqualTo((200, 200)));
    }
}
