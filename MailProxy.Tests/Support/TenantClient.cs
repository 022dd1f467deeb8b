using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Support;

/// <summary>One tenant of a daemon, made here, spoken for with a key of its own.</summary>
internal sealed class TenantClient : IDisposable
{
    private readonly TestDaemon _daemon;
    private readonly HttpClient _http;

    private TenantClient(TestDaemon daemon, string tenant, HttpClient http) => (_daemon, Tenant, _http) = (daemon, tenant, http);

    public string Tenant { get; }

    public static async Task<TenantClient> MakeAsync(TestDaemon daemon, string tenant)
    {
        var http = daemon.As(await daemon.MakeTenantAsync(tenant));
        return new(daemon, tenant, http);
    }

    public Task PutAccountAsync(string id, int port, string security = "none", int connections = 8) =>
        PutAsync(
            $"/v1/accounts/{id}",
            new
            {
                host = "127.0.0.1",
                port,
                security,
                verify_certificate = security == "none",
                max_connections = connections,
            }
        );

    public async Task PutAsync(string path, object body)
    {
        using var answer = await _http.PutAsJsonAsync(path, body);
        Assert.That((int)answer.StatusCode, Is.EqualTo(201), await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Posts messages that differ in what <paramref name="fields"/> says; all of them are taken.</summary>
    public async Task PostAsync(int count, Func<int, object> fields)
    {
        foreach (var page in Enumerable.Range(0, count).Chunk(500))
        {
            var defaults = new
            {
                from = "a@example.com",
                to = "b@example.org",
                text = "x",
            };
            using var answer = await _http.PostAsJsonAsync("/v1/messages/batch", new { defaults, messages = page.Select(fields) });
            var results = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["results"]!.AsArray();
            Assert.That(results.All(result => result!["id"] is not null && result["error"] is null), results.ToJsonString());
        }
    }

    public Task PostAsync(string id, string account, string priority = "immediate", params object[] attachments) =>
        PostAsync(
            1,
            _ => new
            {
                id,
                account,
                priority,
                attachments,
            }
        );

    public async Task<JsonNode> GetAsync(string path) => JsonNode.Parse(await _http.GetStringAsync(path))!;

    /// <summary>Waits until this message has this event.</summary>
    public Task UntilAsync(string id, EventType type) => _daemon.EventsAsync(e => e.MessageId == id && e.Type == type, 1, tenant: Tenant);

    /// <summary>What it holds of something, and the most that it may hold.</summary>
    public async Task<(long Held, long Allowed)> ShareAsync(string name)
    {
        var share = (await _daemon.GetAsync($"/v1/tenants/{Tenant}"))["shares"]!;
        var mine = share is JsonArray list ? list.Single(one => (string)one!["name"]! == name)! : share[name]!;
        return ((long)mine["held"]!, (long)mine["allowed"]!);
    }

    public void Dispose() => _http.Dispose();
}
