using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace MailProxy.Daemon.Client;

/// <summary>Asks a daemon over its HTTP API. Whatever goes wrong is a <see cref="DaemonException"/>.</summary>
internal sealed class DaemonClient : IDisposable
{
    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;
    private readonly string? _key;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _clock;

    /// <param name="key">Sent with each request; null: only what is public can be asked.</param>
    /// <param name="tenant">On whose objects the admin key acts; null: the tenant <c>default</c>.</param>
    /// <param name="timeout">Until an answer begins.</param>
    public DaemonClient(DaemonAddress address, string? key, string? tenant, TimeSpan timeout, TimeProvider clock)
    {
        Address = address;
        _key = key;
        _timeout = timeout;
        _clock = clock;

        // Redirects are not followed: the key would go along.
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            ConnectTimeout = ConnectWithin,
            UseProxy = !address.Base.IsLoopback,
        };
        if (address.Socket is { } path)
            handler.ConnectCallback = (_, stop) => ConnectAsync(path, stop);

        _http = new HttpClient(handler) { BaseAddress = address.Base, Timeout = Timeout.InfiniteTimeSpan };
        if (key is not null)
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (tenant is not null)
            _http.DefaultRequestHeaders.Add("X-Tenant", tenant);
    }

    public DaemonAddress Address { get; }

    /// <summary>The same daemon with the same key, for another tenant's objects.</summary>
    public DaemonClient As(string? tenant) => new(Address, _key, tenant, _timeout, _clock);

    /// <param name="path">Without a slash before it, such as <c>v1/status</c>.</param>
    public async Task<JsonNode> GetAsync(string path, CancellationToken stop) =>
        (await SendAsync(HttpMethod.Get, path, null, stop)).Body ?? throw NotJson(path);

    public async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken stop) => Typed(await GetAsync(path, stop), type);

    public async Task<T> PostAsync<T>(string path, JsonNode body, JsonTypeInfo<T> type, CancellationToken stop) =>
        Typed((await SendAsync(HttpMethod.Post, path, body, stop)).Body ?? throw NotJson(path), type);

    public Task<DaemonAnswer> SendAsync(HttpMethod method, string path, JsonNode? body, CancellationToken stop, string? ifMatch = null)
    {
        var content = body is null ? null : new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body));
        return SendAsync(method, path, content, "application/json", ifMatch, stop);
    }

    /// <summary>Sends what is no JSON, such as a file for an import.</summary>
    public Task<DaemonAnswer> SendAsync(HttpMethod method, string path, Stream body, string type, CancellationToken stop) =>
        SendAsync(method, path, new StreamContent(body), type, null, stop);

    /// <summary>The body of an answer as it comes, such as a message or an export.</summary>
    public async Task CopyAsync(string path, Stream target, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        using var answer = await AnswerAsync(request, _timeout, stop);
        await using var body = await answer.Content.ReadAsStreamAsync(stop);
        await body.CopyToAsync(target, stop);
    }

    /// <summary>One page of a list after another; each as it was answered.</summary>
    public async IAsyncEnumerable<JsonObject> PagesAsync(string path, [EnumeratorCancellation] CancellationToken stop)
    {
        string? cursor = null;
        do
        {
            var joint = path.Contains('?') ? '&' : '?';
            var next = cursor is null ? path : $"{path}{joint}cursor={Uri.EscapeDataString(cursor)}";
            var page = (JsonObject)await GetAsync(next, stop);
            yield return page;
            cursor = (string?)page["next_cursor"];
        } while (cursor is not null);
    }

    /// <summary>As <see cref="GetAsync(string,CancellationToken)"/>, where the daemon waits before it answers.</summary>
    public async Task<JsonNode> WaitAsync(string path, TimeSpan longest, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        return (await ReadAsync(request, _timeout + longest, stop)).Body ?? throw NotJson(path);
    }

    /// <summary>Text that is no JSON: the metrics.</summary>
    public async Task<string> TextAsync(string path, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        using var answer = await AnswerAsync(request, _timeout, stop);
        return await answer.Content.ReadAsStringAsync(stop);
    }

    public void Dispose() => _http.Dispose();

    private async Task<DaemonAnswer> SendAsync(
        HttpMethod method,
        string path,
        HttpContent? body,
        string type,
        string? ifMatch,
        CancellationToken stop
    )
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative)) { Content = body };
        if (body is not null)
            body.Headers.ContentType = new MediaTypeHeaderValue(type);
        if (ifMatch is not null)
            request.Headers.TryAddWithoutValidation(ifMatch == "*" ? "If-None-Match" : "If-Match", ifMatch);
        return await ReadAsync(request, _timeout, stop);
    }

    private async Task<DaemonAnswer> ReadAsync(HttpRequestMessage request, TimeSpan within, CancellationToken stop)
    {
        using var answer = await AnswerAsync(request, within, stop);
        var text = await answer.Content.ReadAsStringAsync(stop);
        return new(answer.StatusCode, text.Length == 0 ? null : Parse(text), answer.Headers.ETag?.ToString());
    }

    private async Task<HttpResponseMessage> AnswerAsync(HttpRequestMessage request, TimeSpan within, CancellationToken stop)
    {
        using var late = new CancellationTokenSource(within, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, late.Token);
        HttpResponseMessage answer;
        try
        {
            answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
        }
        catch (HttpRequestException error)
        {
            throw Unreachable(DeepestOf(error).Message, error);
        }
        catch (OperationCanceledException error) when (late.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            throw Unreachable($"no answer within {within.TotalSeconds:0} s", error);
        }

        if (answer.IsSuccessStatusCode)
            return answer;
        using (answer)
            throw ProblemText.Of(answer.StatusCode, await answer.Content.ReadAsStringAsync(stop));
    }

    private DaemonException Unreachable(string why, Exception error) =>
        new(
            DaemonTrouble.Unreachable,
            $"The daemon at {Address.Shown} cannot be reached: {why.TrimEnd('.')}. Start it (mailproxy serve), or name it by --server or "
                + "--data.",
            error
        );

    private static Exception DeepestOf(Exception error) => error.InnerException is { } inner ? DeepestOf(inner) : error;

    private static JsonNode Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text) ?? throw NotJson("the answer");
        }
        catch (JsonException error)
        {
            throw new DaemonException(DaemonTrouble.Failed, "The answer is not JSON: is this the address of a daemon?", error);
        }
    }

    private static T Typed<T>(JsonNode body, JsonTypeInfo<T> type) => body.Deserialize(type) ?? throw NotJson("the answer");

    private static DaemonException NotJson(string what) => new(DaemonTrouble.Failed, $"{what}: the answer is empty.");

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>What a daemon answered.</summary>
/// <param name="Body">Null: nothing, as to DELETE.</param>
/// <param name="Tag">The ETag.</param>
internal sealed record DaemonAnswer(HttpStatusCode Status, JsonNode? Body, string? Tag);
