using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>What cannot be a pool, and what a pool needs.</summary>
[TestFixture]
internal sealed class PoolMistakeTests : PoolFixture
{
    [Test]
    public async Task Deleting_WhatAPoolNeeds_IsRefused()
    {
        await using var daemon = await StartAsync("failover", 9, 9);
        Assert.That(await daemon.SendAsync(HttpMethod.Delete, "/v1/accounts/first"), Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend"), Is.EqualTo(HttpStatusCode.OK));
        await BurstAsync(daemon, "a", 1);
        Assert.That(await daemon.SendAsync(HttpMethod.Delete, "/v1/pools/both"), Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/messages/a0/cancel"), Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await daemon.SendAsync(HttpMethod.Delete, "/v1/pools/both"), Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That(await daemon.SendAsync(HttpMethod.Delete, "/v1/accounts/first"), Is.EqualTo(HttpStatusCode.NoContent));
        using var gone = await daemon.Http.PostAsJsonAsync("/v1/messages", Message("b"));
        Assert.That(await gone.Content.ReadAsStringAsync(), Does.Contain("unknown_pool").And.Contain("/pool"));
        await daemon.StopAsync();
    }

    [TestCase("""{"accounts":["first"]}""", "/strategy")]
    [TestCase("""{"strategy":"fastest","accounts":["first"]}""", "/strategy")]
    [TestCase("""{"strategy":"failover"}""", "/accounts")]
    [TestCase("""{"strategy":"failover","accounts":[]}""", "/accounts")]
    [TestCase("""{"strategy":"failover","accounts":"first"}""", "/accounts")]
    [TestCase("""{"strategy":"failover","accounts":["first","nobody"]}""", "/accounts/1")]
    [TestCase("""{"strategy":"failover","accounts":["first","first"]}""", "/accounts/1")]
    [TestCase("""{"strategy":"failover","accounts":["both"]}""", "/accounts/0")]
    [TestCase("""{"strategy":"failover","accounts":["theirs"]}""", "/accounts/0")]
    [TestCase("""{"strategy":"failover","accounts":[7]}""", "/accounts/0")]
    [TestCase("""{"strategy":"weighted","accounts":[{"id":"first","weight":"two"}]}""", "/accounts/0/weight")]
    [TestCase("""{"strategy":"weighted","accounts":[{"id":"first","weight":0}]}""", "/accounts/0/weight")]
    [TestCase("""{"strategy":"weighted","accounts":[{"weight":1}]}""", "/accounts/0/id")]
    [TestCase("""{"strategy":"weighted","accounts":[{"id":"first","size":1}]}""", "/accounts/0/size")]
    public async Task Put_Mistake_422WithItsPointer(string json, string pointer)
    {
        await using var daemon = await StartAsync("failover", 9, 9);
        using var body = new StringContent(json, Encoding.UTF8, "application/json");
        using var answer = await daemon.Http.PutAsync("/v1/pools/both", body);
        var problem = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.That((int)answer.StatusCode, Is.EqualTo(422), problem.ToJsonString());
        Assert.That(problem["errors"]!.AsArray().Select(static e => (string)e!["pointer"]!), Does.Contain(pointer));
        await daemon.StopAsync();
    }
}
