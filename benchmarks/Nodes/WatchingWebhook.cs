using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>A webhook endpoint that remembers in which order each message's events came first.</summary>
internal sealed class WatchingWebhook : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, List<int>> _sequences = [];

    private WatchingWebhook(WebApplication app)
    {
        _app = app;
        app.MapPost("/hook", TakeAsync);
    }

    public string Url => $"{_app.Urls.First()}/hook";

    /// <summary>The ids of all events that came.</summary>
    public ConcurrentDictionary<string, byte> Events { get; } = [];

    /// <summary>Messages of which an event came before one that was earlier.</summary>
    public int Reordered => _sequences.Values.Count(static seen => !seen.SequenceEqual(seen.Order()));

    public static async Task<WatchingWebhook> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseSetting("urls", "http://127.0.0.1:0");
        var webhook = new WatchingWebhook(builder.Build());
        await webhook._app.StartAsync();
        return webhook;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task<IResult> TakeAsync(HttpRequest request)
    {
        var body = (await JsonNode.ParseAsync(request.Body))!;
        var events = (string?)body["type"] == "batch" ? body["data"]!["events"]!.AsArray() : [body.DeepClone()];
        foreach (var one in events)
        {
            // An event may come twice, as webhooks do; what counts is when it came first.
            if (!Events.TryAdd((string)one!["id"]!, 0) || (string?)one["data"]?["message_id"] is not { } message)
                continue;
            var seen = _sequences.GetOrAdd(message, static _ => []);
            lock (seen)
                seen.Add((int)one["sequence"]!);
        }

        return Results.StatusCode((int)HttpStatusCode.OK);
    }
}
