using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using MailProxy.Pipeline.Accounts;
using MailProxy.Tests.Api;
using MailProxy.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Every route of the whole daemon with every kind of key. The tenant <c>acme</c> has an account, a webhook, a volume and a message named "some"; the tenant <c>beta</c> has nothing.</summary>
[TestFixture]
internal sealed partial class IsolationTableTests
{
    private const string AdminKey = "test-admin-key-0123456789", Acme = "acme-key", Beta = "beta-key", Expired = "expired-key", Elsewhere = "elsewhere-key";

    private const KeyScopes Everything = KeyScopes.Send | KeyScopes.Read | KeyScopes.Manage;

    private TempDirectory _directory = null!;
    private TestDaemon _daemon = null!;
    private HttpClient _bare = null!;

    private static IEnumerable<string> Routes() => RouteTable.Entries.Keys;

    private static IEnumerable<string> KeyedRoutes() => RouteTable.Entries.Where(e => !e.Value.IsPublic).Select(e => e.Key);

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _directory = new();
        _daemon = await TestDaemon.StartAsync(_directory);
        _bare = new() { BaseAddress = new(_daemon.Url), Timeout = TestDaemon.Patience };
        await MakeKeysAsync("acme", Acme, Everything);
        await MakeKeysAsync("beta", Beta, Everything);
        await AddKeyAsync("acme", Expired, Everything, expiresAt: 1);
        await AddKeyAsync("acme", Elsewhere, Everything, network: "192.0.2.0/24");
        foreach (var lacks in (KeyScopes[])[KeyScopes.Send, KeyScopes.Read, KeyScopes.Manage]) await AddKeyAsync("acme", $"acme-without-{lacks}", Everything & ~lacks);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        _bare.Dispose();
        await _daemon.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public void Routes_All_HaveAnEntry() => Assert.That(RouteTable.Of(_daemon.Services).Select(r => r.Route), Is.EquivalentTo(RouteTable.Entries.Keys));

    [TestCaseSource(nameof(Routes))]
    public async Task Route_NoKey_OnlyPublicOnes(string route)
    {
        using var answer = await CallAsync(route, null);
        if (RouteTable.Entries[route].IsPublic) Assert.That((int)answer.StatusCode, Is.AnyOf(200, 404)); // 404: no such link
        else await answer.ProblemAsync(401, "unauthorized");
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
        var entry = RouteTable.Entries[route];
        using var answer = await CallAsync(route, entry.Access == Access.Admin ? Acme : $"acme-without-{entry.Scope}");
        await answer.ProblemAsync(403, entry.Access == Access.Admin ? "admin_only" : "insufficient_scope");
    }

    [TestCaseSource(nameof(KeyedRoutes))]
    public async Task Route_AnotherTenantNamed_404(string route)
    {
        using var answer = await CallAsync(route, Beta, ("X-Tenant", "acme"));
        await answer.ProblemAsync(404, "unknown_tenant");
    }

    [TestCaseSource(nameof(KeyedRoutes))]
    public async Task Route_WrongTenantsKey_NeitherSeesNorChanges(string route)
    {
        var entry = RouteTable.Entries[route];
        if (entry.Access == Access.Admin) return; // the row of the missing scope
        await SeedAsync("acme");
        await ClearAsync("beta");
        var before = await SnapshotAsync("acme");

        using var answer = await CallAsync(route, Beta);
        var body = await answer.Content.ReadAsStringAsync();
        // What a PUT names is made, and a batch is there as soon as it is named.
        if (route.Contains("{id}") && !route.StartsWith("PUT ", StringComparison.Ordinal) && route != "POST /v1/batches/{id}/suspend") Assert.That((int)answer.StatusCode, Is.EqualTo(404), body);
        else Assert.That((int)answer.StatusCode, Is.AnyOf(200, 201, 202, 422), body);
        Assert.That(body, Does.Not.Contain("acme"));
        Assert.That(await SnapshotAsync("acme"), Is.EqualTo(before));
    }

    [TestCaseSource(nameof(KeyedRoutes))]
    public async Task Route_TenantsOwnKey_IsLetIn(string route)
    {
        if (RouteTable.Entries[route].Access == Access.Admin) return;
        await SeedAsync("acme");
        using var answer = await CallAsync(route, Acme, ("X-Tenant", "acme"));
        Assert.That((int)answer.StatusCode, Is.AnyOf(200, 201, 202, 204, 409, 410), await answer.Content.ReadAsStringAsync());
    }

    [TestCaseSource(nameof(KeyedRoutes))]
    public async Task Route_AdminKey_ActsOnTheTenantItNames(string route)
    {
        await SeedAsync("acme");
        using var answer = await CallAsync(route, AdminKey, ("X-Tenant", "acme"));
        int[] expected = route.Contains("/tenants/{id}") || route.Contains("{id:long}") ? [200, 201, 204, 404] : [200, 201, 202, 204, 409];
        Assert.That((int)answer.StatusCode, Is.AnyOf([.. expected.Cast<object>()]), await answer.Content.ReadAsStringAsync());
    }

    [TestCase("/v1/accounts")]
    [TestCase("/v1/webhooks")]
    [TestCase("/v1/volumes")]
    [TestCase("/v1/messages")]
    public async Task List_TenantsKey_MayNotNameOthers(string list)
    {
        await SeedAsync("acme");
        foreach (var (tenant, status) in ((string, int)[])[("acme", 404), ("*", 404), ("nobody", 404), ("beta", 200)])
        {
            using var answer = await CallAsync($"GET {list}?tenant={tenant}", Beta);
            Assert.That((int)answer.StatusCode, Is.EqualTo(status), tenant);
        }
    }

    private async Task MakeKeysAsync(string tenant, string key, KeyScopes scopes)
    {
        using var put = await CallAsync($"PUT /v1/tenants/{tenant}", AdminKey, json: $$"""{"name":"{{tenant}}"}""");
        Assert.That((int)put.StatusCode, Is.EqualTo(201));
        await AddKeyAsync(tenant, key, scopes);
    }

    private Task AddKeyAsync(string tenant, string key, KeyScopes scopes, long? expiresAt = null, string? network = null) =>
        _daemon.Services.GetRequiredService<KeyChanges>().CreateAsync(
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
            "test");

    private async Task SeedAsync(string tenant)
    {
        foreach (var (route, json) in ((string, string)[])[
            ("PUT /v1/accounts/some", RouteTable.Account), ("PUT /v1/webhooks/some", RouteTable.Webhook), ("PUT /v1/volumes/some", RouteTable.Volume), ("POST /v1/messages", RouteTable.Message)])
        {
            using var answer = await CallAsync(route, AdminKey, ("X-Tenant", tenant), json);
            Assert.That((int)answer.StatusCode, Is.AnyOf(200, 201, 202), await answer.Content.ReadAsStringAsync());
        }
    }

    private async Task ClearAsync(string tenant)
    {
        foreach (var route in (string[])["POST /v1/messages/some/cancel", "POST /v1/batches/some/activate", "DELETE /v1/webhooks/some", "DELETE /v1/volumes/some", "DELETE /v1/accounts/some"])
        {
            using var answer = await CallAsync(route, AdminKey, ("X-Tenant", tenant));
            Assert.That((int)answer.StatusCode, Is.AnyOf(200, 204, 404, 409), await answer.Content.ReadAsStringAsync());
        }
    }

    private async Task<string> SnapshotAsync(string tenant)
    {
        var all = new StringBuilder();
        foreach (var path in (string[])["accounts", "accounts/some", "webhooks/some", "volumes/some", "batches/some", "messages/some", "messages/some/events"])
        {
            using var answer = await CallAsync($"GET /v1/{path}", AdminKey, ("X-Tenant", tenant));
            all.AppendLine($"{path} {(int)answer.StatusCode} {MovesByItself().Replace(await answer.Content.ReadAsStringAsync(), "")}");
        }

        return all.ToString();
    }

    // How a webhook that cannot be reached is behind.
    [GeneratedRegex("\"(backlog|lag_seconds|failures|failing_since|last_error)\":(\"[^\"]*\"|[^,}]*),?")]
    private static partial Regex MovesByItself();

    private Task<HttpResponseMessage> CallAsync(string route, string? key, (string Name, string Value)? header = null, string? json = null)
    {
        var parts = route.Split(' ');
        json ??= RouteTable.Entries.GetValueOrDefault(route)?.Json;
        var path = parts[1].Replace("{id:long}", "7").Replace("{id}", "some").Replace("{key}", "some").Replace("{documentName}", "v1");
        var request = new HttpRequestMessage(new(parts[0]), path + RouteTable.Entries.GetValueOrDefault(route)?.Query);
        if (key is not null) request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + key);
        if (header is { } given) request.Headers.TryAddWithoutValidation(given.Name, given.Value);
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        return _bare.SendAsync(request);
    }
}
