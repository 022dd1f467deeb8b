using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>A host of the API, and keys of tenants on it.</summary>
internal abstract class KeyFixture
{
    protected ApiHost _host = null!;

    [SetUp]
    public async Task StartAsync() => _host = await ApiHost.StartAsync(new() { Configure = api => api.TrustedProxies = [] });

    [TearDown]
    public async Task StopAsync() => await _host.DisposeAsync();

    protected static string? Detail(MailProxy.Pipeline.Storage.AuditEntry entry, string name) =>
        JsonElement.Parse(entry.After!).GetProperty(name).ToString();

    protected static TenantKey Key(string id, string key) =>
        new()
        {
            Tenant = "default",
            Id = id,
            Name = id,
            Hash = TenantKey.HashOf(key),
            Scopes = KeyScopes.Send | KeyScopes.Read | KeyScopes.Manage,
            CreatedAt = 0,
        };

    protected async Task AddAsync(TenantKey key)
    {
        await _host.Configuration.PutKeyAsync(key, "test");
        await _host.LoadAsync();
    }

    protected async Task<(string Id, string Key)> MakeAsync()
    {
        using var made = await _host.SendAsync("POST", "/v1/tenants/default/keys", """{"name":"n","scopes":["read"]}""");
        var body = await made.JsonAsync();
        return (body.GetProperty("id").GetString()!, body.GetProperty("key").GetString()!);
    }

    protected async Task<int> StatusAsync(string key)
    {
        using var answer = await GetAsync(key, "/v1/accounts");
        return (int)answer.StatusCode;
    }

    protected async Task<HttpResponseMessage> GetAsync(string key, string path)
    {
        using var client = _host.NewClient(key);
        return await client.GetAsync(path);
    }
}
