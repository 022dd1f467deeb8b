using System.Net.Http.Headers;
using MailProxy.Pipeline.Accounts;
using MailProxy.Tests.Support;

namespace MailProxy.Tests.Api;

/// <summary>The edge with two tenants, each with a key of its own that may do everything.</summary>
internal static class TenantHost
{
    public const string Hog = "hog-key-0123456789";
    public const string Victim = "victim-key-0123456789";

    public static async Task<ApiHost> StartAsync(ApiHost host)
    {
        await ApiHost.StartAsync(host);
        foreach (var (tenant, key) in ((string, string)[])[("hog", Hog), ("victim", Victim)])
        {
            await host.Configuration.PutTenantAsync(new() { Id = tenant, Name = tenant }, "test");
            await host.Configuration.PutKeyAsync(
                new()
                {
                    Tenant = tenant,
                    Id = "k",
                    Name = "k",
                    Hash = TenantKey.HashOf(key),
                    Scopes = KeyScopes.Send | KeyScopes.Read | KeyScopes.Manage,
                    CreatedAt = 0,
                },
                "test"
            );
        }

        await host.LoadAsync();
        return host;
    }

    public static HttpClient As(this ApiHost host, string key)
    {
        var client = host.NewClient(null);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    public static async Task<int> PostAsync(this HttpClient client, string path, string json)
    {
        using var answer = await client.PostAsync(path, new StringContent(json, null, "application/json"));
        return (int)answer.StatusCode;
    }
}
