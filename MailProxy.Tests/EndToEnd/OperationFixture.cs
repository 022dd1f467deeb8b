using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A daemon that sends nothing, with messages to act on.</summary>
internal abstract class OperationFixture : DaemonFixture
{
    [SetUp]
    public async Task SuspendAsync() => await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");

    protected async Task PostAsync(string batch, int count, string? account = null, int from = 0, string? sendAt = null)
    {
        foreach (var numbers in Enumerable.Range(from, count).Chunk(500))
        {
            var messages = numbers.Select(n => new
            {
                id = $"{batch}-{n}",
                account,
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
                batch,
                send_at = sendAt,
                expires_at = sendAt is null ? null : "2099-12-01T00:00:00Z",
            });
            using var answer = await _daemon.Http.PostAsJsonAsync("/v1/messages/batch", new { messages }, Json);
            Assert.That(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        }
    }

    private static readonly System.Text.Json.JsonSerializerOptions Json = new()
    {
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    protected static long Now(TimeSpan later) => (TimeProvider.System.GetUtcNow() + later).ToUnixTimeSeconds();

    protected async Task<JsonNode> PreviewAsync(object request)
    {
        using var answer = await _daemon.Http.PostAsJsonAsync("/v1/messages/actions", request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(200), text);
        return JsonNode.Parse(text)!;
    }

    protected async Task<JsonNode> BeginAsync(JsonNode shown)
    {
        using var answer = await _daemon.Http.PostAsJsonAsync("/v1/messages/actions", new { token = (string)shown["token"]! });
        return await AcceptedAsync(answer);
    }

    protected async Task<JsonNode> UndoAsync(string id)
    {
        using var answer = await _daemon.Http.PostAsync($"/v1/operations/{id}/undo", null);
        return await AcceptedAsync(answer);
    }

    private static async Task<JsonNode> AcceptedAsync(HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted), text);
        var operation = JsonNode.Parse(text)!;
        Assert.That(answer.Headers.Location!.ToString(), Is.EqualTo($"/v1/operations/{operation["id"]}"));
        return operation;
    }

    protected Task<JsonNode> EndAsync(JsonNode operation) =>
        Eventually.BecomesAsync(
            () => _daemon.GetAsync($"/v1/operations/{operation["id"]}"),
            static now => (string)now["status"]! != "running",
            TestDaemon.Deadline
        );

    protected async Task RefusedAsync(string path, object? body, int status, string code)
    {
        using var answer = await _daemon.Http.PostAsync(path, body is null ? null : JsonContent.Create(body));
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That(((int)answer.StatusCode, (string)JsonNode.Parse(text)!["code"]!), Is.EqualTo((status, code)), text);
    }

    protected async Task<int> CountAsync(string search)
    {
        var (count, cursor) = (0, "");
        while (true)
        {
            var page = await _daemon.GetAsync($"/v1/messages?limit=500&q={Uri.EscapeDataString(search)}&cursor={cursor}");
            count += page["data"]!.AsArray().Count;
            if ((string?)page["next_cursor"] is not { } next)
                return count;
            cursor = next;
        }
    }
}
