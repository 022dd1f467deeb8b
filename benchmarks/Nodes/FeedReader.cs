using System.Net;
using System.Text.Json.Nodes;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>Reads the feed all the while, at whichever node answers, and goes on from its cursor.</summary>
internal sealed class FeedReader(IReadOnlyList<HttpClient> nodes)
{
    private string? _cursor;

    private readonly Dictionary<string, int> _last = [];

    /// <summary>The ids of all events that it read.</summary>
    public List<string> Events { get; } = [];

    /// <summary>Events of a message that did not follow the one before.</summary>
    public int Unordered { get; private set; }

    public async Task RunAsync(CancellationToken stop)
    {
        for (var at = 0; !stop.IsCancellationRequested; at++)
        {
            if (await ReadAsync(nodes[at % nodes.Count], wait: 2) is null)
                await Task.Delay(20, CancellationToken.None);
        }
    }

    /// <summary>Reads what is left.</summary>
    public async Task FinishAsync()
    {
        while (await ReadAsync(nodes[0], wait: 0) is > 0) { }
    }

    private async Task<int?> ReadAsync(HttpClient node, int wait)
    {
        try
        {
            using var longest = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            var after = _cursor is null ? "" : $"&after={_cursor}";
            using var answer = await node.GetAsync($"/v1/events?limit=500&wait={wait}{after}", longest.Token);
            if (answer.StatusCode != HttpStatusCode.OK)
            {
                return (int)answer.StatusCode >= 500 || (int)answer.StatusCode == 429
                    ? null
                    : throw new InvalidOperationException(
                        $"{(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(longest.Token)}"
                    );
            }

            var page = JsonNode.Parse(await answer.Content.ReadAsStringAsync(longest.Token))!;
            var events = page["data"]!.AsArray();
            foreach (var one in events)
                Take(one!);
            _cursor = (string?)page["next_cursor"] ?? _cursor;
            return events.Count;
        }
        catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException)
        {
            return null;
        }
    }

    private void Take(JsonNode one)
    {
        Events.Add((string)one["id"]!);
        if ((string?)one["data"]?["message_id"] is not { } message)
            return;
        var sequence = (int)one["sequence"]!;
        if (sequence != _last.GetValueOrDefault(message) + 1)
            Unordered++;
        _last[message] = sequence;
    }
}
