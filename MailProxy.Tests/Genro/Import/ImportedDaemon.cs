using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro.Import;

/// <summary>A daemon on an imported store, spoken to as clients of genro-mail-proxy do.</summary>
internal sealed class ImportedDaemon(TestDaemon daemon) : IAsyncDisposable
{
    public TestDaemon Daemon => daemon;

    public async Task<(HttpStatusCode Status, JsonNode? Body)> CallAsync(
        HttpMethod method,
        string path,
        object? body = null,
        string token = "t"
    )
    {
        using var http = new HttpClient { BaseAddress = new Uri(daemon.Url), Timeout = TestDaemon.Deadline };
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Add("X-API-Token", token);
        using var answer = await http.SendAsync(request);
        var read = await answer.Content.ReadAsStringAsync();
        return (answer.StatusCode, read.StartsWith('{') || read.StartsWith('[') ? JsonNode.Parse(read) : null);
    }

    public async Task<JsonNode> GetAsync(string path, string token = "t")
    {
        var (status, body) = await CallAsync(HttpMethod.Get, path, null, token);
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), body?.ToJsonString());
        return body!;
    }

    /// <summary>By this program's own API, of a tenant.</summary>
    public async Task<JsonNode> OwnAsync(string path, string tenant = "acme")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1" + path);
        request.Headers.Add("X-Tenant", tenant);
        using var answer = await daemon.Http.SendAsync(request);
        var read = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK), read);
        return JsonNode.Parse(read)!;
    }

    public async Task<JsonNode> PostAsync(string path, object body, string token = "t")
    {
        var (status, answer) = await CallAsync(HttpMethod.Post, path, body, token);
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), answer?.ToJsonString());
        return answer!;
    }

    /// <summary>The rows of a tenant, by id.</summary>
    public async Task<Dictionary<string, JsonObject>> RowsAsync(string tenant = "acme", string more = "") =>
        (await GetAsync($"/messages?tenant_id={tenant}{more}"))["messages"]!
            .AsArray()
            .ToDictionary(static row => (string)row!["id"]!, static row => row!.AsObject());

    /// <summary>Why a message is not taken; null: it is.</summary>
    public async Task<string?> AddAsync(JsonObject message)
    {
        var (_, answer) = await CallAsync(
            HttpMethod.Post,
            "/commands/add-messages",
            new JsonObject { ["messages"] = new JsonArray(message.DeepClone()) }
        );
        return (string?)answer!["rejected"]!.AsArray().SingleOrDefault()?["reason"];
    }

    public async ValueTask DisposeAsync()
    {
        await daemon.StopAsync();
        await daemon.DisposeAsync();
    }
}
