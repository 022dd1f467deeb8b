using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary><c>GET /v1/requests</c>, <c>/v1/self</c> and <c>/v1/status/flow</c>, from outside.</summary>
[TestFixture]
internal sealed class RequestRoutesTests : DaemonFixture
{
    [Test]
    public async Task Requests_HaveTheirMessages_CodesAndKeys_NewestFirst()
    {
        var id = await _daemon.PostAsync(Mail("a@example.com"));
        using var refused = await _daemon.Http.PostAsync("/v1/messages", new StringContent("{"));
        using var held = await _daemon.Http.PostAsync($"/v1/messages/{id}/hold", null);

        var all = await ListAsync("");
        Assert.That(
            all.Take(3).Select(static one => $"{one["method"]} {one["path"]} {(int)one["status"]! / 100}xx"),
            Is.EqualTo(
                new[] { $"POST /v1/messages/{id}/hold {(int)held.StatusCode / 100}xx", "POST /v1/messages 4xx", "POST /v1/messages 2xx" }
            )
        );
        Assert.That(all[0]["messages"]!.ToJsonString(), Is.EqualTo($"[\"{id}\"]"));
        Assert.That(all[2]["messages"]!.ToJsonString(), Is.EqualTo($"[\"{id}\"]"));
        Assert.That(((string?)all[1]["code"], (string?)all[1]["actor"]), Is.Not.EqualTo(((string?)null, "admin")));
        Assert.That((string?)all[1]["request_id"], Is.EqualTo(refused.Headers.GetValues("X-Request-Id").Single()));
        Assert.That((await ListAsync("?failed=true")).Select(static one => (int)one["status"]!), Is.All.GreaterThanOrEqualTo(400));
        Assert.That(await ListAsync($"?message={id}"), Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Requests_OfAnotherTenant_AndOfNobody_AreNotSeen()
    {
        var acme = await _daemon.MakeTenantAsync("acme");
        using var theirs = _daemon.As(acme);
        using var nobody = _daemon.As("not-a-key");
        (await nobody.GetAsync("/v1/messages")).Dispose();
        await _daemon.PostAsync(Mail("a@example.com"));
        (await theirs.GetAsync("/v1/messages")).Dispose();

        var seen = JsonNode.Parse(await theirs.GetStringAsync("/v1/requests"))!["data"]!.AsArray();
        Assert.That(seen.Select(static one => (string?)one!["tenant"]), Is.EqualTo(new[] { "acme" }));
        Assert.That((await ListAsync("?tenant=*")).Select(static one => (string?)one["actor"]), Does.Contain("unknown"));
        using var refused = await theirs.GetAsync("/v1/requests?tenant=default");
        Assert.That((int)refused.StatusCode, Is.EqualTo(404));
    }

    [Test]
    public async Task Requests_OfADeletedTenant_AreNotANewOnesOfItsName()
    {
        var first = await _daemon.MakeTenantAsync("acme");
        using (var theirs = _daemon.As(first))
            (await theirs.GetAsync("/v1/messages/secret-id")).Dispose();
        await _daemon.SendAsync(HttpMethod.Delete, "/v1/tenants/acme");
        using var anew = _daemon.As(await _daemon.MakeTenantAsync("acme"));

        Assert.That(await anew.GetStringAsync("/v1/requests"), Does.Not.Contain("secret-id"));
    }

    [Test]
    public async Task Self_SaysWhoseKeyItIs()
    {
        using var acme = _daemon.As(await _daemon.MakeTenantAsync("acme"));

        var self = JsonNode.Parse(await acme.GetStringAsync("/v1/self"))!;
        var admin = await _daemon.GetAsync("/v1/self");
        Assert.That((string?)self["tenant"], Is.EqualTo("acme"));
        Assert.That(self["scopes"]!.ToJsonString(), Is.EqualTo("[\"send\",\"read\",\"manage\"]"));
        Assert.That((string?)admin["actor"] + admin["scopes"]!.ToJsonString(), Is.EqualTo("admin[\"admin\"]"));
    }

    [Test]
    public async Task Flow_CountsWhatWasAcceptedAndSent()
    {
        var id = await _daemon.PostAsync(Mail("a@example.com"));
        await _daemon.UntilAsync(id, Pipeline.Mail.EventType.MessageSent);

        var steps = (await Eventually.BecomesAsync(() => _daemon.GetAsync("/v1/status/flow"), static flow => Sum(flow, "sent") == 1))[
            "steps"
        ]!;
        Assert.That(steps.AsArray().Sum(static step => (int)step!["accepted"]!), Is.EqualTo(1));
        Assert.That(steps.AsArray().Any(static step => (double?)step!["p50_seconds"] is >= 0), steps.ToJsonString());
    }

    private static int Sum(JsonNode flow, string member) => flow["steps"]!.AsArray().Sum(step => (int)step![member]!);

    private static object Mail(string from) =>
        new
        {
            from,
            to = "b@example.com",
            text = "x",
        };

    private async Task<IReadOnlyList<JsonNode>> ListAsync(string query) =>
        [.. (await _daemon.GetAsync("/v1/requests" + query))["data"]!.AsArray().OfType<JsonNode>()];
}
