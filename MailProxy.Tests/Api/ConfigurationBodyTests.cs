using NUnit.Framework;

namespace MailProxy.Tests.Api;

[TestFixture]
public sealed class ConfigurationBodyTests
{
    [TestCase("""{"\ud800":1}""", 400)]
    [TestCase("""{"limits":{"\ud800":1}}""", 400)]
    [TestCase("""{"limits":{"a":1,"\udc00":{"b":2}}}""", 400)]
    [TestCase("""{"host":"\ud800"}""", 400)]
    [TestCase("""{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\ud83d\ude00":1}""", 422)]
    public async Task Put_HalfASurrogatePair_IsRefusedInWords(string body, int status)
    {
        await using var host = await ApiHost.StartAsync(new());
        using var answer = await host.SendAsync("PUT", "/v1/accounts/real", body, "application/json");

        Assert.That((int)answer.StatusCode, Is.EqualTo(status), await answer.Content.ReadAsStringAsync());
        Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
    }
}
