using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using MailProxy.Daemon.Api;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>An answer of the API: what was asked for, or the refusal in words.</summary>
internal sealed record Reply<T>(T? Value, int Status, ProblemAnswerBody? Problem, string? ETag = null)
    where T : class
{
    public bool Ok => Value is not null;

    /// <summary>The refusal for a person.</summary>
    public string Trouble => Problem is null ? $"The API answered with {Status}." : Problem.Detail;
}

/// <summary>The HTTP API as whoever signed in may use it.</summary>
internal sealed class PageApi(HttpClient http, Session session)
{
    /// <summary>The tenant that an admin looks at; null: the default one.</summary>
    public string? Tenant { get; set; }

    public Task<Reply<T>> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancel = default)
        where T : class => AskAsync(HttpMethod.Get, path, null, type, null, cancel);

    public Task<Reply<T>> PostAsync<T>(string path, JsonNode? body, JsonTypeInfo<T> type, CancellationToken cancel = default)
        where T : class => AskAsync(HttpMethod.Post, path, body, type, null, cancel);

    /// <summary>A change whose answer does not matter beyond success.</summary>
    public Task<Reply<JsonObject>> SendAsync(
        HttpMethod method,
        string path,
        JsonNode? body = null,
        string? ifMatch = null,
        CancellationToken cancel = default
    ) => AskAsync(method, path, body, ApiJson.Plain.JsonObject, ifMatch, cancel);

    /// <summary>Lines of JSON that are taken in together.</summary>
    public async Task<Reply<JsonObject>> ImportAsync(string path, IEnumerable<JsonObject> lines, CancellationToken cancel = default)
    {
        using var request = await RequestAsync(HttpMethod.Post, path, null, null);
        var body = string.Join('\n', lines.Select(static line => line.ToJsonString()));
        request.Content = new StringContent(body, Encoding.UTF8, "application/x-ndjson");
        using var answer = await http.SendAsync(request, cancel);
        return await ReadAsync(answer, ApiJson.Plain.JsonObject, cancel);
    }

    /// <summary>What is read from a stream while it comes.</summary>
    /// <param name="type">The media type of the stream.</param>
    public async Task<Reply<JsonObject>> ImportAsync(string path, Stream from, string type, CancellationToken cancel)
    {
        using var request = await RequestAsync(HttpMethod.Post, path, null, null);
        request.Content = new StreamContent(from);
        request.Content.Headers.ContentType = new(type);
        using var answer = await http.SendAsync(request, cancel);
        return await ReadAsync(answer, ApiJson.Plain.JsonObject, cancel);
    }

    /// <summary>The bytes of an answer, and its status; 413: there are more than may be.</summary>
    public async Task<(byte[]? Bytes, int Status)> BytesAsync(string path, int most, CancellationToken cancel = default)
    {
        using var request = await RequestAsync(HttpMethod.Get, path, null, null);
        request.Options.Set(LocalApi.Most, most);
        using var answer = await http.SendAsync(request, cancel);
        return (answer.IsSuccessStatusCode ? await answer.Content.ReadAsByteArrayAsync(cancel) : null, (int)answer.StatusCode);
    }

    /// <summary>Lines of JSON, and the cursor of what follows them.</summary>
    public async Task<(IReadOnlyList<JsonObject> Lines, string? Next)> LinesAsync(string path, CancellationToken cancel = default)
    {
        using var request = await RequestAsync(HttpMethod.Get, path, null, null);
        using var answer = await http.SendAsync(request, cancel);
        if (!answer.IsSuccessStatusCode)
            return ([], null);
        var text = await answer.Content.ReadAsStringAsync(cancel);
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => (JsonObject)JsonNode.Parse(line)!);
        return ([.. lines], answer.Headers.TryGetValues("X-Next-Cursor", out var next) ? next.First() : null);
    }

    /// <summary>Asks with a key that nobody has signed in with yet.</summary>
    public static async Task<Reply<SelfAnswer>> SelfAsync(HttpClient http, string key, System.Net.IPAddress? address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "v1/self");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + key);
        request.Options.Set(LocalApi.Address, address);
        using var answer = await http.SendAsync(request);
        return await ReadAsync(answer, ApiJson.Plain.SelfAnswer, default);
    }

    private async Task<Reply<T>> AskAsync<T>(
        HttpMethod method,
        string path,
        JsonNode? body,
        JsonTypeInfo<T> type,
        string? ifMatch,
        CancellationToken cancel
    )
        where T : class
    {
        using var request = await RequestAsync(method, path, body, ifMatch);
        using var answer = await http.SendAsync(request, cancel);
        return await ReadAsync(answer, type, cancel);
    }

    private async Task<HttpRequestMessage> RequestAsync(HttpMethod method, string path, JsonNode? body, string? ifMatch)
    {
        var who = await session.WhoAsync();
        var request = new HttpRequestMessage(method, "v1/" + path);
        if (body is not null)
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        if (who is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", who.Key);
        if (who is { IsAdmin: true } && Tenant is { Length: > 0 } tenant)
            request.Headers.TryAddWithoutValidation("X-Tenant", tenant);
        if (ifMatch is not null)
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        request.Options.Set(LocalApi.Address, who?.Address);
        return request;
    }

    private static async Task<Reply<T>> ReadAsync<T>(HttpResponseMessage answer, JsonTypeInfo<T> type, CancellationToken cancel)
        where T : class
    {
        var bytes = await answer.Content.ReadAsByteArrayAsync(cancel);
        var status = (int)answer.StatusCode;
        if (!answer.IsSuccessStatusCode)
            return new(null, status, Problem(bytes));
        var value =
            bytes.Length == 0 && typeof(T) == typeof(JsonObject) ? (T)(object)new JsonObject() : JsonSerializer.Deserialize(bytes, type);
        return new(value, status, null, answer.Headers.ETag?.ToString());
    }

    private static ProblemAnswerBody? Problem(byte[] bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, ApiJson.Plain.ProblemAnswerBody);
        }
        catch (JsonException)
        {
            return null; // not one of the API's own answers: its status says enough
        }
    }
}
