using System.Net;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Genro;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>Every route × no token, an unknown one, an expired one, a tenant's, another tenant's, the operator's.</summary>
internal sealed class AccessTableTests : GenroFixture
{
    private const string Mine = "mine",
        Other = "other";

    private const string Invalid = "Invalid or missing API token",
        AdminRequired = "Admin token required",
        NotYours = "Token not authorized for this tenant";

    // Who may: P public, K any valid token, T that tenant's key or the operator's, A the operator's.
    private static readonly Dictionary<string, char> Table = new()
    {
        ["GET /health"] = 'P',
        ["GET /status"] = 'K',
        ["POST /commands/run-now"] = 'K',
        ["POST /commands/suspend"] = 'T',
        ["POST /commands/activate"] = 'T',
        ["POST /commands/add-messages"] = 'T',
        ["POST /commands/delete-messages"] = 'T',
        ["POST /commands/cleanup-messages"] = 'T',
        ["GET /messages"] = 'T',
        ["POST /account"] = 'T',
        ["GET /accounts"] = 'T',
        ["DELETE /account/{account}"] = 'T',
        ["POST /tenant"] = 'A',
        ["GET /tenants"] = 'A',
        ["GET /tenants/sync-status"] = 'A',
        ["GET /tenant/{id}"] = 'T',
        ["PUT /tenant/{id}"] = 'T',
        ["DELETE /tenant/{id}"] = 'A',
        ["POST /tenant/{id}/api-key"] = 'A',
        ["DELETE /tenant/{id}/api-key"] = 'A',
        ["GET /instance"] = 'A',
        ["PUT /instance"] = 'A',
        ["POST /instance/reload-bounce"] = 'A',
        ["GET /command-log"] = 'A',
        ["GET /command-log/export"] = 'A',
    };

    private IReadOnlyList<(string Method, string Path)> Routes =>
        [
            .. _daemon
                .Services.GetServices<EndpointDataSource>()
                .SelectMany(static source => source.Endpoints)
                .OfType<RouteEndpoint>()
                .Where(static route => route.Metadata.GetMetadata<GenroAccess>() is not null)
                .Select(static route =>
                    (route.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0], "/" + route.RoutePattern.RawText!.TrimStart('/'))
                )
                .Distinct(),
        ];

    [Test]
    public void Routes_AreThoseOfTheTable_AtBothPlaces()
    {
        var expected = Table
            .Keys.Concat(Table.Keys.Select(static key => key.Replace(" /", " /mailproxy/v1/")))
            .Append("GET /mailproxy/health");
        Assert.That(Routes.Select(static route => $"{route.Method} {route.Path}"), Is.EquivalentTo(expected));
    }

    [Test]
    public async Task Access_ToEachRoute_IsAsTheTableSays()
    {
        var mine = await MakeTenantAsync(Mine, reports: false);
        var other = await MakeTenantAsync(Other, reports: false);
        var expired = (string)(await PostAsync($"/tenant/{Other}/api-key", new { expires_at = 1 })).Body!["api_key"]!;
        var theirs = (string)(await PostAsync($"/tenant/{Other}/api-key")).Body!["api_key"]!;
        Assert.That(theirs, Is.Not.EqualTo(other));
        using (Assert.EnterMultipleScope())
        {
            foreach (var (route, who) in Table)
            {
                foreach (var prefix in GenroRoutes.Prefixes)
                {
                    var none = who == 'A' ? AdminRequired : Invalid;
                    await ExpectAsync(route, prefix, null, who == 'P' ? null : (401, none));
                    await ExpectAsync(route, prefix, "unknown", who == 'P' ? null : (401, Invalid));
                    await ExpectAsync(route, prefix, "Ünbekannt", who == 'P' ? null : (401, Invalid));
                    await ExpectAsync(route, prefix, expired, who == 'P' ? null : (401, Invalid));
                    await ExpectAsync(route, prefix, other, who == 'P' ? null : (401, Invalid), "a key that was replaced");
                    await ExpectAsync(route, prefix, mine, who == 'A' ? (403, AdminRequired) : null);
                    await ExpectAsync(
                        route,
                        prefix,
                        theirs,
                        who == 'A' ? (403, AdminRequired)
                            : who == 'T' ? (401, NotYours)
                            : null
                    );
                    if (!route.Contains("api-key", StringComparison.Ordinal) && route != "DELETE /tenant/{id}")
                        await ExpectAsync(route, prefix, Admin, null);
                }
            }
        }
    }

    [TestCase("GET", "/nothing", 404, "Not Found")]
    [TestCase("GET", "/mailproxy/v1/nothing", 404, "Not Found")]
    [TestCase("DELETE", "/messages", 405, "Method Not Allowed")]
    [TestCase("GET", "/commands/add-messages", 405, "Method Not Allowed")]
    public async Task Route_ThatThereIsNot_IsRefusedInItsForm(string method, string path, int status, string detail)
    {
        var (answered, body) = await CallAsync(new HttpMethod(method), path);
        Assert.That(((int)answered, body!.ToJsonString()), Is.EqualTo((status, $$"""{"detail":"{{detail}}"}""")));
    }

    [Test]
    public async Task Document_OfTheRoutes_HasEachAndNeedsNoToken()
    {
        var (status, document) = await GetAsync("/openapi/genro.json", token: null);
        var described = document!["paths"]!
            .AsObject()
            .SelectMany(static path => path.Value!.AsObject().Select(route => $"{route.Key.ToUpperInvariant()} {path.Key}"));
        Assert.That((int)status, Is.EqualTo(200));
        Assert.That(described, Is.EquivalentTo(Table.Keys.Append("GET /metrics")));
    }

    [Test]
    public async Task OwnContract_Beside_IsAsItWas()
    {
        var (status, body) = await GetAsync("/v1/messages", "nothing");
        Assert.That((status, (string?)body!["code"]), Is.EqualTo((HttpStatusCode.Unauthorized, "unauthorized")));
        var (unknown, problem) = await GetAsync("/v1/nothing");
        Assert.That(
            (unknown, (string?)problem!["code"]),
            Is.EqualTo((HttpStatusCode.Unauthorized, "unauthorized")),
            "Genro's token is none there"
        );
        Assert.That(
            (await _daemon.GetAsync("/openapi/v1.json"))["paths"]!.AsObject().Select(static path => path.Key),
            Has.None.Contains("add-messages")
        );
    }

    // Null: whatever the route says, it is no refusal of the token.
    private async Task ExpectAsync(string route, string prefix, string? token, (int Status, string Detail)? refusal, string? why = null)
    {
        var (method, path) = (route.Split(' ')[0], route.Split(' ')[1]);
        var query = path.StartsWith("/tenant", StringComparison.Ordinal) || path == "/status" ? "" : $"?tenant_id={Mine}";
        object? body = method is "POST" or "PUT" ? Body(path) : null;
        var (status, answer) = await CallAsync(
            new HttpMethod(method),
            prefix + path.Replace("{id}", Mine).Replace("{account}", "nobody") + query,
            body,
            token
        );
        var said = $"{route} at '{prefix}' by {token ?? "nobody"} {why}: {(int)status} {answer?.ToJsonString()}";
        if (refusal is { } expected)
            Assert.That(((int)status, (string?)answer?["detail"]), Is.EqualTo(expected), said);
        else
            Assert.That((int)status, Is.Not.AnyOf(401, 403, 404, 405, 500), said);
    }

    private static JsonNode Body(string path) =>
        path switch
        {
            "/commands/add-messages" => new JsonObject
            {
                ["messages"] = new JsonArray(new JsonObject { ["id"] = "x", ["tenant_id"] = Mine }),
            },
            "/commands/delete-messages" => new JsonObject { ["ids"] = new JsonArray() },
            "/account" => new JsonObject { ["tenant_id"] = Mine },
            "/tenant" => new JsonObject { ["name"] = "no id" },
            _ => new JsonObject(),
        };
}
