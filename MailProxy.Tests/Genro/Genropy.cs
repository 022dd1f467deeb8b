using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace MailProxy.Tests.Genro;

/// <summary>
/// An application that behaves as Genropy does: it submits its new mail while it answers a report, calls run-now for each insert, names
/// every failed delivery in <c>error</c> each time, and indexes entries by id.
/// </summary>
internal sealed class Genropy
{
    private const int AtOnce = 7;

    private readonly LoopbackWebhook _application;
    private readonly ConcurrentDictionary<string, bool> _told = new();
    private readonly ConcurrentQueue<string> _failed = new();
    private readonly ConcurrentQueue<string> _outbox = new();
    private int _calls;

    public Genropy(LoopbackWebhook application, int mails)
    {
        _application = application;
        for (var n = 0; n < mails; n++)
            _outbox.Enqueue($"_{n:D21}");
    }

    /// <summary>Where the daemon is now.</summary>
    public Uri? Daemon { get; set; }

    public string Key { get; set; } = "";

    /// <summary>What must not be.</summary>
    public ConcurrentQueue<string> Faults { get; } = new();

    /// <summary>Messages whose end was told.</summary>
    public int Told => _told.Count;

    public int Failed => _failed.Count;

    public int Unsent => _outbox.Count;

    public int Calls => Volatile.Read(ref _calls);

    public void Begin() => _application.Answer = AnswerAsync;

    /// <summary>Somebody inserts a mail.</summary>
    public async Task RunNowAsync() => (await PostAsync("/commands/run-now", null)).Dispose();

    /// <summary>Is told everything, as often as it takes an outage. What a kill left in doubt is tried again a minute later.</summary>
    public async Task UntilToldAsync(int messages) =>
        await Eventually.BecomesAsync(() => Task.FromResult(Told), told => told >= messages, TimeSpan.FromSeconds(180));

    private async Task AnswerAsync(WebhookHit hit, HttpContext http)
    {
        Interlocked.Increment(ref _calls);
        var entries = JsonNode.Parse(hit.Text)!["delivery_report"]!.AsArray().Select(static entry => entry!.AsObject()).ToArray();
        if (entries.Select(static entry => (string)entry["id"]!).Distinct().Count() != entries.Length)
            Faults.Enqueue("An id stands twice in a call: " + hit.Text);
        foreach (var entry in entries)
        {
            var id = (string)entry["id"]!;
            if (!entry.ContainsKey("deferred_ts") && _told.TryAdd(id, true) && entry["error"] is not null)
                _failed.Enqueue(id);
        }

        var submitted = await SubmitAsync();
        await http.Response.WriteAsJsonAsync(
            new
            {
                ok = true,
                queued = submitted,
                error = _failed.ToArray(),
                not_found = Array.Empty<string>(),
            }
        );
    }

    // Before it answers, and each insert triggers run-now.
    private async Task<int> SubmitAsync()
    {
        var ids = new List<string>();
        while (ids.Count < AtOnce && _outbox.TryDequeue(out var id))
            ids.Add(id);
        if (ids.Count == 0)
            return 0;
        try
        {
            using var answer = await PostAsync(
                "/commands/add-messages",
                new JsonObject { ["messages"] = new JsonArray([.. ids.Select(Mail)]) }
            );
            var body = JsonNode.Parse(await answer.Content.ReadAsStringAsync());

            // What was submitted just before a stop may have been sent since then.
            var known = body?["rejected"]?.AsArray().Count(static one => (string)one!["reason"]! is "already sent" or "being sent") ?? 0;
            if (answer.StatusCode != HttpStatusCode.OK || (int)body!["queued"]! + known != ids.Count)
                throw new HttpRequestException(body?.ToJsonString() ?? answer.StatusCode.ToString());
            await RunNowAsync();
            return ids.Count;
        }
        catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException)
        {
            // The daemon stops. Its outbox has them until it knows that they were taken.
            foreach (var id in ids)
                _outbox.Enqueue(id);
            return 0;
        }
    }

    private static JsonNode Mail(string id) =>
        new JsonObject
        {
            ["id"] = id,
            ["tenant_id"] = "acme",
            ["account_id"] = "main",
            ["from"] = "a@example.com",
            ["to"] = id.EndsWith('3') ? "perm@example.org" : "b@example.org",
            ["subject"] = "Hello",
            ["body"] = "Text",
        };

    private async Task<HttpResponseMessage> PostAsync(string path, JsonObject? body)
    {
        using var http = new HttpClient { BaseAddress = Daemon, Timeout = TestDaemon.Deadline };
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Add("X-API-Token", Key);
        return await http.SendAsync(request);
    }
}
