using System.Net;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Daemon.Genro;
using MailProxy.Pipeline.Accounts;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>Every route × no token, an unknown one, an expired one, a tenant's, another tenant's, the operator's.</summary>
[TestFixture("B")]
[TestFixture("A")]
[TestFixture("C")]
[TestFixture("B,A")]
[TestFixture("B,A,C")]
internal sealed class AccessTableTests(string versions) : GenroFixture
{
    private const string Mine = "mine",
        Other = "other";

    private const string Invalid = "Invalid or missing API token",
        AdminRequired = "Admin token required",
        NotYours = "Token not authorized for this tenant";

    private readonly IReadOnlyDictionary<string, char> _table = AccessTables.Of(versions);

    protected override string Versions => versions;

    protected override (string Name, string Value)[] Settings =>
        [.. base.Settings, ("Genro:DefaultTenant", Mine), ("Tenants:ChangesPerMinute", "1000")];

    private IReadOnlyList<(string Method, string Path)> Routes =>
        [.. All.Where(static route => route.Metadata.GetMetadata<GenroAccess>() is not null).Select(NameOf).Distinct()];

    private IEnumerable<RouteEndpoint> All =>
        _daemon.Services.GetServices<EndpointDataSource>().SelectMany(static source => source.Endpoints).OfType<RouteEndpoint>();

    [Test]
    public void Routes_AreThoseOfTheTable_AtBothPlaces()
    {
        var expected = _table
            .Keys.Concat(_table.Keys.Select(static key => key.Replace(" /", " /mailproxy/v1/")))
            .Append("GET /mailproxy/health");
        Assert.That(Routes.Select(static route => $"{route.Method} {route.Path}"), Is.EquivalentTo(expected));
    }

    [Test]
    public void Routes_OfTheWholeDaemon_AreEachThereOnce()
    {
        var twice = All.SelectMany(static route =>
                (route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? [""]).Select(method =>
                    $"{method} /{string.Join('/', route.RoutePattern.PathSegments.Select(Shape))}"
                )
            )
            .GroupBy(static name => name)
            .Where(static same => same.Count() > 1)
            .Select(static same => same.Key);
        Assert.That(twice, Is.Empty);

        static string Shape(Microsoft.AspNetCore.Routing.Patterns.RoutePatternPathSegment segment) =>
            string.Concat(
                segment.Parts.Select(static part =>
                    part is Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal
                        ? literal.Content.ToLowerInvariant()
                        : "{}"
                )
            );
    }

    [Test]
    public async Task Access_ToEachRoute_IsAsTheTableSays()
    {
        var mine = await KeyAsync(Mine);
        var expired = await KeyAsync(Other, expiresAt: 1_000);
        var other = await KeyAsync(Other);
        var theirs = await KeyAsync(Other);
        Assert.That(theirs, Is.Not.EqualTo(other));
        using (Assert.EnterMultipleScope())
        {
            foreach (var (route, who) in _table)
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
                    if (!AccessTables.Ends.Contains(route))
                        await ExpectAsync(route, prefix, Admin, null);
                }
            }
        }
    }

    [TestCase("GET", "/nothing", 404, "Not Found")]
    [TestCase("GET", "/mailproxy/v1/nothing", 404, "Not Found")]
    [TestCase("DELETE", "/health", 405, "Method Not Allowed")]
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
        Assert.That(described, Is.EquivalentTo(_table.Keys.Append("GET /metrics")));
        var schemas = document["components"]!["schemas"]!.AsObject().Select(static one => "#/components/schemas/" + one.Key).ToHashSet();
        Assert.That(References(document).Distinct(), Is.SubsetOf(schemas));
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
        var own = (await _daemon.GetAsync("/openapi/v1.json"))["paths"]!.AsObject().Select(static path => path.Key).ToArray();
        Assert.That(own, Has.None.Contains("add-messages").And.None.Contains("add_batch").And.None.Contains("/volume/"));
    }

    private static (string Method, string Path) NameOf(RouteEndpoint route) =>
        (route.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0], "/" + route.RoutePattern.RawText!.TrimStart('/'));

    private static IEnumerable<string> References(JsonNode? node) =>
        node switch
        {
            JsonObject members => members.SelectMany(static one => one.Key == "$ref" ? [(string)one.Value!] : References(one.Value)),
            JsonArray list => list.SelectMany(References),
            _ => [],
        };

    // By the service itself, because not every version makes tenants.
    private async Task<string> KeyAsync(string tenant, long? expiresAt = null)
    {
        var tenants = _daemon.Services.GetRequiredService<GenroTenants>();
        var caller = new Caller("admin", tenant, IsAdmin: true, _daemon.Services.GetRequiredService<CurrentTenants>().Directory);
        if (tenants.Find(tenant) is null)
            await tenants.PutAsync(caller, tenant, new([]), default);
        return await tenants.NewKeyAsync(caller, tenant, expiresAt, default);
    }

    // Null: whatever the route says, it is no refusal of the token.
    private async Task ExpectAsync(string route, string prefix, string? token, (int Status, string Detail)? refusal, string? why = null)
    {
        var (method, path) = (route.Split(' ')[0], route.Split(' ')[1]);
        var (status, answer) = await CallAsync(
            new HttpMethod(method),
            prefix + path.Replace("{id}", Mine).Replace("{account}", "nobody").Replace("{name}", "none") + AccessTables.Query(path, Mine),
            method is "POST" or "PUT" ? AccessTables.Body(path, Mine) : null,
            token
        );
        var said = $"{route} at '{prefix}' by {token ?? "nobody"} {why}: {(int)status} {answer?.ToJsonString()}";
        var detail = (answer as JsonObject)?["detail"];
        if (refusal is { } expected)
            Assert.That(((int)status, detail?.ToString()), Is.EqualTo(expected), said);
        else if (status == HttpStatusCode.NotFound)
            Assert.That(detail?.ToString(), Does.EndWith(" not found").Or.Contain(" not found for tenant "), said);
        else
            Assert.That((int)status, Is.Not.AnyOf(401, 403, 405).And.LessThan(500), said);
    }
}
