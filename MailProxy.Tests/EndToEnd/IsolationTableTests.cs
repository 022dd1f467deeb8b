using System.Text.Json.Nodes;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Api;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>
/// Every route of the whole daemon with every kind of key. The tenant <c>acme</c> has one of everything, under the id "some"; <c>beta</c>
/// has the same, <c>gamma</c> nothing.
/// </summary>
[TestFixture]
internal sealed class IsolationTableTests : IsolationFixture
{
    private static IEnumerable<string> Routes() => RouteTable.Entries.Keys.Concat(RouteTable.Variants.Keys);

    private static IEnumerable<string> KeyedRoutes() =>
        RouteTable.Entries.Where(e => !e.Value.IsPublic).Select(e => e.Key).Concat(RouteTable.Variants.Keys);

    private static IEnumerable<string> AuditedRoutes() => RouteTable.Audited.Keys;

    private static IEnumerable<string> TenantRoutes() => KeyedRoutes().Where(route => RouteTable.Find(route).Access != Access.Admin);

    [Test]
    public void Routes_All_HaveAnEntry() =>
        Assert.That(RouteTable.Of(_daemon.Services).Select(r => r.Route), Is.EquivalentTo(RouteTable.Entries.Keys));

    [TestCaseSource(nameof(Routes))]
    public async Task Route_NoKey_OnlyPublicOnes(string route)
    {
        using var answer = await CallAsync(route, null);
        if (RouteTable.Find(route).IsPublic)
            Assert.That((int)answer.StatusCode, Is.AnyOf(200, 404)); // 404: no such link
        else
            await answer.ProblemAsync(401, "unauthorized");
    }

    [TestCaseSource(nameof(KeyedRoutes))]
    public async Task Route_UnknownKey_401(string route)
    {
        using var answer = await CallAsync(route, "nobodys-key");
        await answer.ProblemAsync(401, "unauthorized");
    }

    [TestCaseSource(nameof(KeyedRoutes))]
    public async Task Route_ExpiredKey_401(string route)
    {
        using var answer = await CallAsync(route, Expired);
        await answer.ProblemAsync(401, "key_expired");
        Assert.That(answer.Headers.WwwAuthenticate, Is.Not.Empty);
    }

    [TestCaseSource(nameof(KeyedRoutes))]
    public async Task Route_WrongAddress_403(string route)
    {
        using var answer = await CallAsync(route, Elsewhere);
        await answer.ProblemAsync(403, "address_not_allowed");
    }

    [TestCaseSource(nameof(KeyedRoutes))]
    public async Task Route_MissingScope_403(string route)
    {
        var entry = RouteTable.Find(route);
        using var answer = await CallAsync(route, entry.Access == Access.Admin ? Acme : $"acme-without-{entry.Scope}");
        await answer.ProblemAsync(403, entry.Access == Access.Admin ? "admin_only" : "insufficient_scope");
    }

    [TestCaseSource(nameof(KeyedRoutes))]
    public async Task Route_AnotherTenantNamed_404(string route)
    {
        using var answer = await CallAsync(route, Beta, ("X-Tenant", "acme"));
        await answer.ProblemAsync(404, "unknown_tenant");
    }

    [TestCaseSource(nameof(TenantRoutes))]
    public async Task Route_WrongTenantsKey_NeitherSeesNorChanges(string route) => await NeitherSeesNorChangesAsync(route, "gamma", Gamma);

    [TestCaseSource(nameof(TenantRoutes))]
    public async Task Route_AdminKeyThatNamesNoTenant_ActsOnDefaultOnly(string route) =>
        await NeitherSeesNorChangesAsync(route, "default", AdminKey);

    [TestCaseSource(nameof(TenantRoutes))]
    public async Task Route_SameIdsInBothTenants_ChangesItsOwnOnly(string route)
    {
        await SeedAsync("acme");
        await SeedAsync("beta");
        var before = await SnapshotAsync("acme");

        using var answer = await ActAsync(route, Beta);
        var body = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(RouteTable.Find(route).Answer), body);
        Assert.That(body, Does.Not.Contain("acme"));
        Assert.That(await SnapshotAsync("acme"), Is.EqualTo(before));
    }

    [TestCaseSource(nameof(TenantRoutes))]
    public async Task Route_TenantsOwnKey_IsLetIn(string route)
    {
        await SeedAsync("acme");
        using var answer = await ActAsync(route, Acme, ("X-Tenant", "acme"));
        Assert.That((int)answer.StatusCode, Is.EqualTo(RouteTable.Find(route).Answer), await answer.Content.ReadAsStringAsync());
    }

    [TestCaseSource(nameof(KeyedRoutes))]
    public async Task Route_AdminKey_ActsOnTheTenantItNames(string route)
    {
        await SeedAsync("acme");
        await SeedTenantAsync();
        using var answer = await ActAsync(route, AdminKey, ("X-Tenant", "acme"));
        Assert.That((int)answer.StatusCode, Is.EqualTo(RouteTable.Find(route).Answer), await answer.Content.ReadAsStringAsync());
    }

    [Test]
    public void Routes_ThatMayChangeSomething_AllSayWhatTheAuditLogTells() =>
        Assert.That(
            RouteTable.Audited.Keys,
            Is.EquivalentTo(
                RouteTable.Entries.Where(e => !e.Value.IsPublic && !e.Key.StartsWith("GET ", StringComparison.Ordinal)).Select(e => e.Key)
            )
        );

    [TestCaseSource(nameof(AuditedRoutes))]
    public async Task Route_ThatMayChangeSomething_IsInTheAuditLogWithWhoDidIt(string route)
    {
        await SeedAsync("acme");
        await SeedTenantAsync();
        var (key, actor) = RouteTable.Find(route).Access == Access.Admin ? (AdminKey, "admin") : (Acme, "key/acme/" + Acme);
        if (RouteTable.Find(route).Before is { } before)
            (await CallAsync(before, key, ("X-Tenant", "acme"))).Dispose();
        var log = _daemon.Services.GetRequiredService<IAuditLog>();
        var last = (await log.ReadAsync(0, int.MaxValue)).LastOrDefault()?.Number ?? 0;

        using var answer = await CallAsync(route, key, ("X-Tenant", "acme"));
        Assert.That((int)answer.StatusCode, Is.EqualTo(RouteTable.Find(route).Answer), await answer.Content.ReadAsStringAsync());
        using var exported = await CallAsync($"GET /v1/audit?limit=500&after={last}", AdminKey);
        var lines = (await exported.Content.ReadAsStringAsync())
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonNode.Parse(line)!)
            .ToArray();
        var made = lines.Where(line => !((string)line["action"]!).StartsWith("key.refused", StringComparison.Ordinal)).ToArray();
        if (RouteTable.Audited[route] is not { } action)
            Assert.That(made, Is.Empty);
        else
            Assert.That(
                ((string)made[^1]["action"]!, made[^1]["before"] is not null || made[^1]["after"] is not null),
                Is.EqualTo((action, true))
            );
        Assert.That(made.Select(line => (string)line["actor"]!), Is.All.EqualTo(actor));
    }

    // Some lists must be asked for something.
    private static string Asked(string list) => RouteTable.Find(list).Query is { Length: > 0 } query ? query + "&" : "?";

    [Test]
    public async Task Lists_OfEveryKind_TellATenantsKeyOfItsOwnOnly()
    {
        foreach (var tenant in (string[])["acme", "beta"])
            await SeedAsync(tenant);
        string[] lists = [.. RouteTable.Lists(_daemon.Services)];
        Assert.That(lists, Has.Length.AtLeast(5));
        foreach (var list in lists)
        {
            foreach (
                var (key, tenant, seen) in ((string, string, string[]?)[])
                    [
                        (Beta, "acme", null),
                        (Beta, "*", null),
                        (Beta, "nobody", null),
                        (Beta, "beta", ["beta"]),
                        (AdminKey, "acme", ["acme"]),
                        (AdminKey, "*", ["acme", "beta"]),
                        (AdminKey, "nobody", null),
                    ]
            )
            {
                using var answer = await CallAsync($"{list}{Asked(list)}limit=500&tenant={tenant}", key);
                Assert.That((int)answer.StatusCode, Is.EqualTo(seen is null ? 404 : 200), $"{list} of {tenant}");
                if (seen is not null)
                    Assert.That(
                        (await TenantsAsync(answer)).Order(),
                        tenant == "*" ? Is.SupersetOf(seen) : Is.EqualTo(seen),
                        $"{list} of {tenant}"
                    );
            }

            using var own = await CallAsync($"{list}{Asked(list)}limit=500", Beta);
            Assert.That(await TenantsAsync(own), Is.EqualTo(new[] { "beta" }), list);
        }
    }

    [Test]
    public async Task SharedVolume_ForAnotherTenant_IsThereWithoutItsPlaceAndNotItsToChange()
    {
        const string Shared =
            """{"backend":"http","shared":true,"config":{"base_url":"http://127.0.0.1:9/hidden/","auth":{"bearer":"b"}}}""";
        using (var put = await CallAsync("PUT /v1/volumes/common", AdminKey, json: Shared))
            Assert.That((int)put.StatusCode, Is.EqualTo(201));
        async Task<string> OfDefaultAsync() => await (await CallAsync("GET /v1/volumes/common", AdminKey)).Content.ReadAsStringAsync();
        var before = await OfDefaultAsync();
        foreach (
            var (route, status) in ((string, int)[])
                [
                    ("GET /v1/volumes/common", 200),
                    ("GET /v1/volumes", 200),
                    ("POST /v1/volumes/common/test", 200),
                    ("DELETE /v1/volumes/common", 404),
                    ("PUT /v1/volumes/common", 201),
                    ("DELETE /v1/volumes/common", 204),
                    ("GET /v1/volumes/common", 200),
                ]
        )
        {
            using var answer = await CallAsync(
                route,
                Beta,
                json: route.StartsWith("PUT", StringComparison.Ordinal) ? RouteTable.Volume : null
            );
            var body = await answer.Content.ReadAsStringAsync();
            Assert.That((int)answer.StatusCode, Is.EqualTo(status), route + body);
            Assert.That(body, Does.Not.Contain("hidden"), route);
        }

        Assert.That(await OfDefaultAsync(), Is.EqualTo(before).And.Contain("hidden"));
        using var gone = await CallAsync("DELETE /v1/volumes/common", AdminKey);
        Assert.That((int)gone.StatusCode, Is.EqualTo(204));
    }

    private async Task NeitherSeesNorChangesAsync(string route, string tenant, string key)
    {
        await SeedAsync("acme");
        await ClearAsync(tenant);
        var before = await SnapshotAsync("acme");

        var entry = RouteTable.Find(route);
        using var answer = await CallAsync(route, key);
        var body = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(entry.Elsewhere ?? (route.Contains("{id}") ? 404 : entry.Answer)), body);
        if (
            route.Contains("messages", StringComparison.Ordinal)
            && (entry.MediaType != "application/json" || route == "POST /v1/messages/batch")
        )
            Assert.That(body, Does.Contain("unknown_account"));
        Assert.That(body, Does.Not.Contain("acme"));
        Assert.That(await SnapshotAsync("acme"), Is.EqualTo(before));
    }

    private static async Task<IEnumerable<string>> TenantsAsync(HttpResponseMessage list) =>
        JsonNode.Parse(await list.Content.ReadAsStringAsync())!["data"]!.AsArray().Select(item => (string)item!["tenant"]!).Distinct();
}
