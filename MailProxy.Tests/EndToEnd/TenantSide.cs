using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>One tenant with a key of its own, an SMTP server and a place for its webhook.</summary>
internal sealed class TenantSide : IAsyncDisposable
{
    private readonly HttpClient _http;

    private TenantSide(string tenant, HttpClient http, LoopbackWebhook hook) => (Tenant, _http, Hook) = (tenant, http, hook);

    public string Tenant { get; }

    public ScriptedSmtpServer Smtp { get; } = new();

    public LoopbackWebhook Hook { get; }

    public static async Task<TenantSide> StartAsync(TestDaemon daemon, string tenant)
    {
        var http = daemon.As(await daemon.MakeTenantAsync(tenant));
        return new(tenant, http, await LoopbackWebhook.StartAsync());
    }

    public async Task PutAsync(string path, object body)
    {
        using var answer = await _http.PutAsJsonAsync(path, body);
        Assert.That((int)answer.StatusCode, Is.EqualTo(201), await answer.Content.ReadAsStringAsync());
    }

    public async Task<(int Status, bool Replayed)> PostAsync(
        string id,
        string? idempotencyKey,
        string? batch = null,
        string? account = null,
        string? source = null,
        string? sha256 = null
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages")
        {
            Content = JsonContent.Create(
                new
                {
                    id,
                    account,
                    from = "a@x.example",
                    to = "b@y.example",
                    subject = $"for {Tenant}",
                    text = "t",
                    batch,
                    attachments = source is null
                        ? null
                        : new[]
                        {
                            new
                            {
                                filename = "a.txt",
                                source,
                                sha256,
                            },
                        },
                }
            ),
        };
        if (idempotencyKey is not null)
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        using var answer = await _http.SendAsync(request);
        return ((int)answer.StatusCode, answer.Headers.Contains("Idempotent-Replayed"));
    }

    public async Task<JsonNode> GetAsync(string path) => JsonNode.Parse(await _http.GetStringAsync(path))!;

    public async Task<JsonNode> TestAsync(string account)
    {
        using var answer = await _http.PostAsync($"/v1/accounts/{account}/test", null);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
    }

    public async Task ActAsync(string path)
    {
        using var answer = await _http.PostAsync(path, null);
        Assert.That((int)answer.StatusCode, Is.EqualTo(200), await answer.Content.ReadAsStringAsync());
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Smtp.DisposeAsync();
        await Hook.DisposeAsync();
    }
}
