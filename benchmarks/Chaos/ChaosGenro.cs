using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Benchmarks.Chaos;

/// <summary>
/// An application that knows genro-mail-proxy only: it submits by its contract, also while it answers a report, and is told by reports.
/// </summary>
internal sealed class ChaosGenro : IDisposable
{
    public const string AdminToken = "chaos-genro-token";

    /// <summary>Of its account: what an account has that says nothing.</summary>
    public const int Connections = 8;

    private const string Tenant = "gen";
    private const int AtOnce = 5;

    private readonly Uri _daemon;
    private readonly Random _dice;
    private readonly ConcurrentDictionary<string, string> _acknowledged;
    private readonly HttpListener _application = new();
    private readonly ConcurrentDictionary<string, int> _told = [];
    private readonly ConcurrentDictionary<string, byte> _mine = [];
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });
    private int _count,
        _calls,
        _twice;
    private volatile bool _over;

    public ChaosGenro(Uri daemon, Random dice, ConcurrentDictionary<string, string> acknowledged)
    {
        (_daemon, _dice, _acknowledged) = (daemon, dice, acknowledged);
        Application = new Uri($"http://127.0.0.1:{Support.DaemonProcess.FreePort()}/");
        _application.Prefixes.Add(Application.ToString());
        _application.Start();
        _ = ListenAsync();
    }

    /// <summary>Where its reports go.</summary>
    public Uri Application { get; }

    /// <summary>Reports that it was given.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Reports in which an id stood twice.</summary>
    public int Twice => Volatile.Read(ref _twice);

    /// <summary>Messages that it submitted and was never told the end of.</summary>
    public int Untold => _mine.Keys.Count(id => _acknowledged.ContainsKey(id) && !_told.ContainsKey(id));

    /// <summary>Makes the tenant and its account, as its operator does.</summary>
    public async Task SetUpAsync(int port)
    {
        var made = await SendAsync("/tenant", AdminToken, new { id = Tenant, client_base_url = Application.ToString().TrimEnd('/') });
        _http.DefaultRequestHeaders.Add("X-API-Token", (string)made["api_key"]!);
        await SendAsync(
            "/account",
            AdminToken,
            new
            {
                id = "sink",
                tenant_id = Tenant,
                host = "127.0.0.1",
                port,
                use_tls = false,
            }
        );
    }

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await SubmitAsync(stop);
            await Task.Delay(Next(5, 60), CancellationToken.None);
        }

        _over = true;
    }

    /// <summary>Waits until it was told of everything, or for a minute.</summary>
    public async Task ToldAsync()
    {
        _over = true;
        for (var left = 600; left > 0 && Untold > 0; left--)
        {
            using var answer = await _http.PostAsync(new Uri(_daemon, "/commands/run-now"), null);
            await Task.Delay(100);
        }
    }

    public void Dispose()
    {
        _application.Close();
        _http.Dispose();
    }

    // Again and again with the same ids, until they are known to be there.
    private async Task<int> SubmitAsync(CancellationToken stop)
    {
        string[] ids = [.. Enumerable.Range(0, Next(1, AtOnce)).Select(_ => $"g{Interlocked.Increment(ref _count)}")];
        foreach (var id in ids)
            _mine.TryAdd(id, 0);
        var request = new JsonObject { ["messages"] = new JsonArray([.. ids.Select(Mail)]) };
        while (true)
        {
            try
            {
                using var answer = await _http.PostAsJsonAsync(new Uri(_daemon, "/commands/add-messages"), request, CancellationToken.None);
                if (answer.StatusCode == HttpStatusCode.OK || IsKnown(await AnswerAsync(answer)))
                {
                    foreach (var id in ids)
                        _acknowledged[id] = "retry";
                    return ids.Length;
                }
            }
            catch (Exception error) when (error is HttpRequestException or IOException or TaskCanceledException)
            {
                // Killed in the middle: not acknowledged, so it is submitted again.
            }

            if (stop.IsCancellationRequested)
                return 0;
            await Task.Delay(20, CancellationToken.None);
        }
    }

    // All of them were accepted before the crash.
    private static bool IsKnown(JsonNode? body) =>
        body?["rejected"]?.AsArray() is { Count: > 0 } rejected
        && rejected.All(static one => (string?)one!["reason"] is "already sent" or "being sent");

    private static async Task<JsonNode?> AnswerAsync(HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync();
        if (answer.StatusCode is HttpStatusCode.BadRequest)
            return JsonNode.Parse(text);
        return (int)answer.StatusCode >= 500 ? null : throw new InvalidOperationException($"{(int)answer.StatusCode}: {text}");
    }

    private static JsonNode Mail(string id) =>
        new JsonObject
        {
            ["id"] = id,
            ["tenant_id"] = Tenant,
            ["account_id"] = "sink",
            ["from"] = "chaos@example.com",
            ["to"] = $"{id}@example.net",
            ["subject"] = $"chaos {id}",
            ["body"] = new string('x', 300),
        };

    private async Task ListenAsync()
    {
        while (_application.IsListening)
        {
            try
            {
                _ = ReportedAsync(await _application.GetContextAsync());
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ReportedAsync(HttpListenerContext call)
    {
        try
        {
            var body = (await JsonNode.ParseAsync(call.Request.InputStream))!["delivery_report"]!.AsArray();
            Interlocked.Increment(ref _calls);
            if (body.Select(static entry => (string)entry!["id"]!).Distinct().Count() != body.Count)
                Interlocked.Increment(ref _twice);

            // Now and then it fails, and then it must be told again.
            if (Next(0, 20) == 0)
            {
                call.Response.StatusCode = 500;
                call.Response.Close();
                return;
            }

            foreach (var entry in body)
            {
                if (!entry!.AsObject().ContainsKey("deferred_ts"))
                    _told.AddOrUpdate((string)entry["id"]!, 1, static (_, times) => times + 1);
            }

            // New mail is submitted before it answers, as its outbox does.
            var queued = Next(0, 5) == 0 && !_over ? await SubmitAsync(new(canceled: true)) : 0;
            call.Response.Close(System.Text.Encoding.ASCII.GetBytes($$"""{"ok":true,"queued":{{queued}}}"""), willBlock: false);
        }
        catch (Exception error)
            when (error is IOException or HttpListenerException or ObjectDisposedException or System.Text.Json.JsonException)
        {
            // The daemon was killed while it reported.
        }
    }

    private async Task<JsonNode> SendAsync(string path, string token, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_daemon, path)) { Content = JsonContent.Create(body) };
        request.Headers.Add("X-API-Token", token);
        using var answer = await _http.SendAsync(request);
        return JsonNode.Parse(await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync())!;
    }

    private int Next(int from, int to)
    {
        lock (_dice)
            return _dice.Next(from, to);
    }
}
