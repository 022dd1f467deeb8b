using System.Net;
using MailProxy.Pipeline.Resolve;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>Who may call what. The table is compared with the routes there are, so that a new route without an entry fails.</summary>
[TestFixture]
public sealed class AuthTableTests
{
    private const bool Public = true, Keyed = false;

    private static readonly Dictionary<string, bool> Table = new()
    {
        ["POST /v1/messages"] = Keyed,
        ["POST /v1/messages/batch"] = Keyed,
        ["GET /v1/messages"] = Keyed,
        ["GET /v1/messages/{id}"] = Keyed,
        ["GET /v1/messages/{id}/events"] = Keyed,
        ["GET /v1/messages/{id}/raw"] = Keyed,
        ["POST /v1/messages/{id}/cancel"] = Keyed,
        ["POST /v1/messages/{id}/retry"] = Keyed,
        ["POST /v1/messages/{id}/hold"] = Keyed,
        ["POST /v1/messages/{id}/release"] = Keyed,
        ["POST /v1/messages/{id}/reschedule"] = Keyed,
        ["GET /v1/tenants"] = Keyed,
        ["GET /v1/tenants/{id}"] = Keyed,
        ["PUT /v1/tenants/{id}"] = Keyed,
        ["DELETE /v1/tenants/{id}"] = Keyed,
        ["GET /v1/accounts"] = Keyed,
        ["GET /v1/accounts/{id}"] = Keyed,
        ["PUT /v1/accounts/{id}"] = Keyed,
        ["DELETE /v1/accounts/{id}"] = Keyed,
        ["POST /v1/accounts/{id}/pause"] = Keyed,
        ["POST /v1/accounts/{id}/resume"] = Keyed,
        ["POST /v1/accounts/{id}/test"] = Keyed,
        ["GET /v1/webhooks"] = Keyed,
        ["GET /v1/webhooks/{id}"] = Keyed,
        ["PUT /v1/webhooks/{id}"] = Keyed,
        ["DELETE /v1/webhooks/{id}"] = Keyed,
        ["POST /v1/webhooks/{id}/pause"] = Keyed,
        ["POST /v1/webhooks/{id}/resume"] = Keyed,
        ["GET /v1/volumes"] = Keyed,
        ["GET /v1/volumes/{id}"] = Keyed,
        ["PUT /v1/volumes/{id}"] = Keyed,
        ["DELETE /v1/volumes/{id}"] = Keyed,
        ["POST /v1/volumes/{id}/test"] = Keyed,
        ["POST /v1/dispatcher/suspend"] = Keyed,
        ["POST /v1/dispatcher/activate"] = Keyed,
        ["POST /v1/dispatcher/run-now"] = Keyed,
        ["GET /v1/status"] = Keyed,
        ["GET /v1/sandbox/messages"] = Keyed,
        ["GET /v1/sandbox/messages/{id:long}/raw"] = Keyed,
        ["GET /health/live"] = Public,
        ["GET /health/ready"] = Public,
        ["GET /metrics"] = Public,
        ["GET /d/{token}"] = Public,
        ["HEAD /d/{token}"] = Public,
        ["GET /openapi/{documentName}.json"] = Public,
    };

    private static readonly (string Name, (string, string)[] Headers)[] Strangers =
    [
        ("no key", []),
        ("unknown key", [("Authorization", "Bearer not-the-key")]),
        ("empty key", [("Authorization", "Bearer ")]),
        ("key in another case", [("Authorization", "Bearer " + ApiHost.Key.ToUpperInvariant())]),
        ("key with a tail", [("Authorization", "Bearer " + ApiHost.Key + "x")]),
        ("another scheme", [("Authorization", "Basic " + ApiHost.Key)]),
        ("unknown token", [("X-API-Token", "not-the-key")]),
        ("bad key, good token", [("Authorization", "Bearer not-the-key"), ("X-API-Token", ApiHost.Key)]),
    ];

    private static readonly (string, string)[][] Friends = [[("Authorization", "Bearer " + ApiHost.Key)], [("authorization", "bearer " + ApiHost.Key)], [("X-API-Token", ApiHost.Key)]];

    private ApiHost _host = null!;
    private HttpClient _bare = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _host = await ApiHost.StartAsync();
        _host.Downloads = (_, _, _) => Task.FromResult<Download>(new Download.File(new MemoryStream([1]), "a", "text/plain", DateTimeOffset.UnixEpoch, "t"));
        _bare = _host.NewClient(null);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        _bare.Dispose();
        await _host.DisposeAsync();
    }

    [Test]
    public void Routes_All_HaveAnEntry() => Assert.That(Routes(), Is.EquivalentTo(Table.Keys));

    [TestCaseSource(nameof(Keys))]
    public async Task Route_Stranger_MayOnlyCallPublicOnes(string route)
    {
        foreach (var (name, headers) in Strangers)
        {
            using var answer = await CallAsync(route, headers);
            if (Table[route])
            {
                Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK), name);
                continue;
            }

            await answer.ProblemAsync(401, "unauthorized");
            Assert.That(answer.Headers.WwwAuthenticate.Single().Scheme, Is.EqualTo("Bearer"), name);
        }
    }

    [TestCaseSource(nameof(Keys))]
    public async Task Route_AdminKey_MayCallEveryOne(string route)
    {
        foreach (var headers in Friends)
        {
            using var answer = await CallAsync(route, headers);
            Assert.That((int)answer.StatusCode, Is.Not.AnyOf(401, 403, 500), await answer.Content.ReadAsStringAsync());
        }
    }

    [TestCaseSource(nameof(Keys))]
    public async Task Route_UnknownTenant_404(string route)
    {
        if (Table[route]) return;
        using var answer = await CallAsync(route, [.. Friends[0], ("X-Tenant", "other")]);
        await answer.ProblemAsync(404, "unknown_tenant");
        using var known = await CallAsync(route, [.. Friends[0], ("X-Tenant", "default")]);
        Assert.That(await known.Content.ReadAsStringAsync(), Does.Not.Contain("unknown_tenant"));
    }

    [TestCaseSource(nameof(Keys))]
    public async Task Route_UnknownQueryParameter_400(string route)
    {
        if (Table[route]) return;
        using var answer = await CallAsync(route, Friends[0], "?surprise=1");
        var problem = await answer.ProblemAsync(400, "unknown_parameter");
        Assert.That(problem.Pointers(), Is.EqualTo(new[] { "/surprise" }));
    }

    private static IEnumerable<string> Keys() => Table.Keys;

    private IEnumerable<string> Routes() => _host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        .SelectMany(e => e.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(m => $"{m} {e.RoutePattern.RawText}"));

    private Task<HttpResponseMessage> CallAsync(string route, (string Name, string Value)[] headers, string query = "")
    {
        var parts = route.Split(' ');
        var path = parts[1].Replace("{id:long}", "7").Replace("{id}", "some").Replace("{documentName}", "v1");
        var request = new HttpRequestMessage(new(parts[0]), path + query);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return _bare.SendAsync(request).WaitAsync(ApiHost.Patience);
    }
}
