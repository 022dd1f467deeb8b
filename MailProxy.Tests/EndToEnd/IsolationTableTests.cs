using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Api;
using MailProxy.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>
/// Every route of the whole daemon with every kind of key. The tenant <c>acme</c> has one of everything, under the id "some"; <c>beta</c>
/// has the same, <c>gamma</c> nothing.
/// </summary>
[TestFixture]
internal sealed partial class IsolationTableTests
{
    private const string AdminKey = "test-admin-key-0123456789",
        Acme = "acme-key",
        Beta = "beta-key",
        Gamma = "gamma-key",
        Expired = "expired-key",
        Elsewhere = "elsewhere-key";

    private const KeyScopes Everything = KeyScopes.Send | KeyScopes.Read | KeyScopes.Manage;

    private TempDirectory _directory = null!;
    private TestDaemon _daemon = null!;
    private HttpClient _bare = null!;

    // Each case has a message of its own: what another case did to one is not undone.
    private int _case;

    private static IEnumerable<string> Routes() => RouteTable.Entries.Keys.Concat(RouteTable.Variants.Keys);

    private static IEnumerable<string> KeyedRoutes() =>
        RouteTable.Entries.Where(e => !e.Value.IsPublic).Select(e => e.Key).Concat(RouteTable.Variants.Keys);

    private static IEnumerable<string> AuditedRoutes() => RouteTable.Audited.Keys;

    private static IEnumerable<string> TenantRoutes() => KeyedRoutes().Where(route => RouteTable.Find(route).Access != Access.Admin);

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _directory = new();
        _daemon = await TestDaemon.StartAsync(_directory);
        _bare = new() { BaseAddress = new(_daemon.Url), Timeout = TestDaemon.Patience };
        await MakeKeysAsync("acme", Acme, Everything);
        await MakeKeysAsync("beta", Beta, Everything);
        await MakeKeysAsync("gamma", Gamma, Everything);
        await AddKeyAsync("acme", Expired, Everything, expiresAt: 1);
        await AddKeyAsync("acme", Elsewhere, Everything, network: "192.0.2.0/24");
        foreach (var lacks in (KeyScopes[])[KeyScopes.Send, KeyScopes.Read, KeyScopes.Manage])
            await AddKeyAsync("acme", $"acme-without-{lacks}", Everything & ~lacks);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        _bare.Dispose();
        await _daemon.DisposeAsync();
        _directory.Dispose();
    }

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
                using var answer = await CallAsync($"{list}?limit=500&tenant={tenant}", key);
                Assert.That((int)answer.StatusCode, Is.EqualTo(seen is null ? 404 : 200), $"{list} of {tenant}");
                if (seen is not null)
                    Assert.That(
                        (await TenantsAsync(answer)).Order(),
                        tenant == "*" ? Is.SupersetOf(seen) : Is.EqualTo(seen),
                        $"{list} of {tenant}"
                    );
            }

            using var own = await CallAsync(list + "?limit=500", Beta);
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
        if (entry.MediaType != "application/json" || route == "POST /v1/messages/batch")
            Assert.That(body, Does.Contain("unknown_account"));
        Assert.That(body, Does.Not.Contain("acme"));
        Assert.That(await SnapshotAsync("acme"), Is.EqualTo(before));
    }

    private static async Task<IEnumerable<string>> TenantsAsync(HttpResponseMessage list) =>
        JsonNode.Parse(await list.Content.ReadAsStringAsync())!["data"]!.AsArray().Select(item => (string)item!["tenant"]!).Distinct();

    private async Task MakeKeysAsync(string tenant, string key, KeyScopes scopes)
    {
        using var put = await CallAsync($"PUT /v1/tenants/{tenant}", AdminKey, json: $$"""{"name":"{{tenant}}"}""");
        Assert.That((int)put.StatusCode, Is.EqualTo(201));
        await AddKeyAsync(tenant, key, scopes);
    }

    private Task AddKeyAsync(string tenant, string key, KeyScopes scopes, long? expiresAt = null, string? network = null) =>
        _daemon
            .Services.GetRequiredService<KeyChanges>()
            .CreateAsync(
                new()
                {
                    Tenant = tenant,
                    Id = key.ToLowerInvariant(),
                    Name = key,
                    Hash = TenantKey.HashOf(key),
                    Scopes = scopes,
                    CreatedAt = 0,
                    ExpiresAt = expiresAt,
                    AllowedNetworks = network is null ? [] : [IPNetwork.Parse(network)],
                },
                "test"
            );

    private async Task SeedAsync(string tenant)
    {
        if (tenant == "acme")
            _case++;
        foreach (
            var (route, json) in ((string, string?)[])
                [
                    ("PUT /v1/accounts/some", RouteTable.Account),
                    ("PUT /v1/webhooks/some", RouteTable.Webhook),
                    ("PUT /v1/volumes/some", RouteTable.Volume),
                    ("POST /v1/messages", RouteTable.Message),
                    ("POST /v1/accounts/some/resume", null),
                    ("POST /v1/webhooks/some/resume", null),
                    ("POST /v1/batches/some/activate", null),
                ]
        )
        {
            using var answer = await CallAsync(route, AdminKey, ("X-Tenant", tenant), json);
            Assert.That((int)answer.StatusCode, Is.AnyOf(200, 201, 202), await answer.Content.ReadAsStringAsync());
        }
    }

    // The tenant "some" with the key "some", for the routes that are about those.
    private async Task SeedTenantAsync()
    {
        using var put = await CallAsync("PUT /v1/tenants/some", AdminKey, json: """{"name":"n"}""");
        Assert.That((int)put.StatusCode, Is.AnyOf(200, 201));
        await _daemon.Services.GetRequiredService<KeyChanges>().DeleteAsync("some", "some", "test");
        await AddKeyAsync("some", "some", KeyScopes.Read);
    }

    private async Task ClearAsync(string tenant)
    {
        foreach (
            var route in (string[])
                ["DELETE /v1/batches/some", "DELETE /v1/webhooks/some", "DELETE /v1/volumes/some", "DELETE /v1/accounts/some"]
        )
        {
            using var answer = await CallAsync(route, AdminKey, ("X-Tenant", tenant));
            Assert.That((int)answer.StatusCode, Is.AnyOf(204, 404), $"{route}: {await answer.Content.ReadAsStringAsync()}");
        }
    }

    private async Task<string> SnapshotAsync(string tenant)
    {
        var all = new StringBuilder();
        foreach (
            var path in (string[])
                [
                    "accounts",
                    "accounts/some",
                    "webhooks",
                    "webhooks/some",
                    "volumes",
                    "volumes/some",
                    "batches",
                    "batches/some",
                    "messages/{message}",
                    "messages/{message}/events",
                    "messages/{message}/raw",
                ]
        )
        {
            using var answer = await CallAsync($"GET /v1/{path}", AdminKey, ("X-Tenant", tenant));
            all.AppendLine($"{path} {(int)answer.StatusCode} {MovesByItself().Replace(await answer.Content.ReadAsStringAsync(), "")}");
        }

        return all.ToString();
    }

    // How a webhook that cannot be reached is behind.
    [GeneratedRegex("\"(backlog|lag_seconds|failures|failing_since|last_error)\":(\"[^\"]*\"|[^,}]*),?")]
    private static partial Regex MovesByItself();

    private async Task<HttpResponseMessage> ActAsync(string route, string key, (string Name, string Value)? header = null)
    {
        if (RouteTable.Find(route).Before is { } before)
            (await CallAsync(before, key, header)).Dispose();
        return await CallAsync(route, key, header);
    }

    private Task<HttpResponseMessage> CallAsync(string route, string? key, (string Name, string Value)? header = null, string? json = null)
    {
        var parts = route.Split(' ');
        var entry = RouteTable.Entries.GetValueOrDefault(route) ?? RouteTable.Variants.GetValueOrDefault(route);
        json = (json ?? entry?.Json)?.Replace("\"id\":\"some\"", $"\"id\":\"m{_case}\"");
        var path = parts[1]
            .Replace("/messages/{id}", "/messages/{message}")
            .Replace("{message}", $"m{_case}")
            .Replace("{id:long}", "7")
            .Replace("{id}", "some")
            .Replace("{key}", "some")
            .Replace("{documentName}", "v1");
        var request = new HttpRequestMessage(new(parts[0]), path + entry?.Query);
        if (key is not null)
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + key);
        if (header is { } given)
            request.Headers.TryAddWithoutValidation(given.Name, given.Value);
        if (json is not null)
            request.Content = new StringContent(json, Encoding.UTF8, entry?.MediaType ?? "application/json");
        return _bare.SendAsync(request);
    }
}
