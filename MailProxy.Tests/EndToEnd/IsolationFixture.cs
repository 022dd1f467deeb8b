using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Api;
using MailProxy.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A daemon with tenants that have one of everything under the same ids, and a key of every kind.</summary>
[Parallelizable(ParallelScope.Self)]
internal abstract partial class IsolationFixture
{
    protected const string AdminKey = "test-admin-key-0123456789",
        Acme = "acme-key",
        Beta = "beta-key",
        Gamma = "gamma-key",
        Expired = "expired-key",
        Elsewhere = "elsewhere-key";

    protected const KeyScopes Everything = KeyScopes.Send | KeyScopes.Read | KeyScopes.Manage;

    protected TempDirectory _directory = null!;
    protected TestDaemon _daemon = null!;
    protected HttpClient _bare = null!;

    // Each case has a message of its own: what another case did to one is not undone.
    protected int _case;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _directory = new();
        _daemon = await TestDaemon.StartAsync(_directory);
        _bare = new() { BaseAddress = new(_daemon.Url), Timeout = TestDaemon.Deadline };
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

    protected async Task MakeKeysAsync(string tenant, string key, KeyScopes scopes)
    {
        using var put = await CallAsync($"PUT /v1/tenants/{tenant}", AdminKey, json: $$"""{"name":"{{tenant}}"}""");
        Assert.That((int)put.StatusCode, Is.EqualTo(201));
        await AddKeyAsync(tenant, key, scopes);
    }

    protected Task AddKeyAsync(string tenant, string key, KeyScopes scopes, long? expiresAt = null, string? network = null) =>
        _daemon
            .Services.GetRequiredService<ConfigurationWriter<TenantKey>>()
            .PutAsync(
                tenant,
                key.ToLowerInvariant(),
                static _ => true,
                _ =>
                    new(
                        new TenantKey
                        {
                            Tenant = tenant,
                            Id = key.ToLowerInvariant(),
                            Name = key,
                            Hash = TenantKey.HashOf(key),
                            Scopes = scopes,
                            CreatedAt = 0,
                            ExpiresAt = expiresAt,
                            AllowedNetworks = network is null ? [] : [IPNetwork.Parse(network)],
                        }
                    ),
                "test"
            );

    protected async Task SeedAsync(string tenant)
    {
        if (tenant == "acme")
            _case++;
        foreach (
            var (route, json) in ((string, string?)[])
                [
                    ("PUT /v1/accounts/some", RouteTable.Account),
                    ("PUT /v1/webhooks/some", RouteTable.Webhook),
                    ("PUT /v1/volumes/some", RouteTable.Volume),
                    ("PUT /v1/pools/some", RouteTable.Pool),
                    ("PUT /v1/pools/other", RouteTable.Pool),
                    ("PUT /v1/suppressions", RouteTable.Find("PUT /v1/suppressions").Json),
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

        await SeedOperationAsync(tenant);
    }

    // One that has ended, and that nothing undoes.
    private async Task SeedOperationAsync(string tenant)
    {
        var store = _daemon.Services.GetRequiredService<IOperationStore>();
        await store.AddAsync(new(0, tenant, "some", BulkAction.Cancel, "status:held", "{}", 1, 0, 0, "test", 1));
        if (await store.FindAsync(tenant, "some") is { EndedAt: null } running)
            await store.EndAsync(running, null, "test", TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
    }

    // The tenant "some" with the key "some", for the routes that are about those.
    protected async Task SeedTenantAsync()
    {
        using var put = await CallAsync("PUT /v1/tenants/some", AdminKey, json: """{"name":"n"}""");
        Assert.That((int)put.StatusCode, Is.AnyOf(200, 201));
        var keys = _daemon.Services.GetRequiredService<ConfigurationWriter<TenantKey>>();
        await keys.DeleteAsync("some", "some", static _ => true, static _ => true, "test");
        await AddKeyAsync("some", "some", KeyScopes.Read);
    }

    protected async Task ClearAsync(string tenant)
    {
        foreach (
            var route in (string[])
                [
                    "DELETE /v1/batches/some",
                    "DELETE /v1/webhooks/some",
                    "DELETE /v1/volumes/some",
                    "DELETE /v1/pools/some",
                    "DELETE /v1/pools/other",
                    "DELETE /v1/accounts/some",
                    "DELETE /v1/suppressions",
                ]
        )
        {
            using var answer = await CallAsync(route, AdminKey, ("X-Tenant", tenant));
            Assert.That((int)answer.StatusCode, Is.AnyOf(204, 404), $"{route}: {await answer.Content.ReadAsStringAsync()}");
        }
    }

    protected async Task<string> SnapshotAsync(string tenant)
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
                    "messages/{message}/attempts",
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
    protected static partial Regex MovesByItself();

    protected async Task<HttpResponseMessage> ActAsync(string route, string key, (string Name, string Value)? header = null)
    {
        if (RouteTable.Find(route).Before is { } before)
            (await CallAsync(before, key, header)).Dispose();
        return await CallAsync(route, key, header);
    }

    protected Task<HttpResponseMessage> CallAsync(
        string route,
        string? key,
        (string Name, string Value)? header = null,
        string? json = null
    )
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
            .Replace("{selector}", "some")
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
