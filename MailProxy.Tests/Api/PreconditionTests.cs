using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>A change may name the version that it is meant for, whatever is changed.</summary>
/// <param name="collection">Of what is configured.</param>
/// <param name="body">A whole request, with a word in it that answers show.</param>
[TestFixture("volumes", """{"backend":"http","config":{"base_url":"https://WORD.example/"}}""")]
[TestFixture("accounts", """{"host":"WORD.example","port":25,"security":"none"}""")]
[TestFixture("webhooks", """{"url":"https://WORD.example/","secret":null}""")]
[TestFixture("tenants", """{"name":"WORD"}""")]
public sealed class PreconditionTests(string collection, string body)
{
    private static readonly string[] Words = ["alpha", "bravo", "charlie"];

    private ApiHost _host = null!;

    private string One => body.Replace("WORD", "alpha");
    private string Two => body.Replace("WORD", "bravo");
    private string Three => body.Replace("WORD", "charlie");

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

    /// <summary>The word that stands in what is there.</summary>
    private async Task<string> StoredAsync()
    {
        using var answer = await SendAsync("GET", null);
        var shown = await answer.Content.ReadAsStringAsync();
        return Words.Single(word => shown.Contains(word, StringComparison.Ordinal));
    }

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
        Assert.That(await StoredAsync(), Is.EqualTo((int)both[0].StatusCode == 200 ? "bravo" : "charlie"));
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
        Assert.That(await StoredAsync(), Is.EqualTo(status == 200 ? "bravo" : "alpha"));
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
}
