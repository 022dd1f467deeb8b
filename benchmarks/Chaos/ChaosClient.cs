using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Benchmarks.Chaos;

/// <summary>
/// A client as a careful application is one: posts with ids of its own and, on any error, again with the same id until it is acknowledged.
/// </summary>
internal sealed class ChaosClient(HttpClient http, int number, ConcurrentDictionary<string, string> acknowledged)
{
    private static readonly string[] Policies = ["retry", "retry", "hold", "assume_sent"];
    private int _count;

    /// <summary>Posts until told to stop; the last message is posted to the end, so that it is known to be acknowledged.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var n = _count++;
            if (n % 10 == 9)
                await PostAsync("/v1/messages/batch", [.. Enumerable.Range(0, 10).Select(i => Mail($"c{number}-{n}-{i}", n + i))], stop);
            else
                await PostAsync("/v1/messages", [Mail($"c{number}-{n}", n)], stop);
        }
    }

    // Every third goes by a pool.
    private static JsonObject Mail(string id, int n) =>
        new()
        {
            ["id"] = id,
            [n % 3 == 0 ? "pool" : "account"] = n % 3 == 0 ? ChaosPool.Id : "sink",
            ["from"] = "chaos@example.com",
            ["to"] = $"{id}@example.net",
            ["subject"] = $"chaos {id}",
            ["text"] = new string('x', 200 + (n % 7 * 300)),
            ["on_ambiguous"] = Policies[n % Policies.Length],
        };

    private async Task PostAsync(string path, JsonObject[] mails, CancellationToken stop)
    {
        JsonNode body = path.EndsWith("batch", StringComparison.Ordinal)
            ? new JsonObject { ["messages"] = new JsonArray([.. mails.Select(m => m.DeepClone())]) }
            : mails[0].DeepClone();
        while (true)
        {
            try
            {
                using var answer = await http.PostAsJsonAsync(path, body, CancellationToken.None);
                if (answer.StatusCode is HttpStatusCode.Accepted or HttpStatusCode.OK)
                {
                    await answer.Content.LoadIntoBufferAsync(CancellationToken.None);
                    foreach (var mail in mails)
                        acknowledged[(string)mail["id"]!] = (string)mail["on_ambiguous"]!;
                    return;
                }

                // A conflict says that the id is being sent or was sent already: it was accepted before the crash.
                if (answer.StatusCode == HttpStatusCode.Conflict)
                {
                    acknowledged[(string)mails[0]["id"]!] = (string)mails[0]["on_ambiguous"]!;
                    return;
                }

                if ((int)answer.StatusCode < 500)
                    throw new InvalidOperationException(
                        $"{(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(CancellationToken.None)}"
                    );
            }
            catch (Exception error) when (error is HttpRequestException or IOException or TaskCanceledException)
            {
                // Killed in the middle: not acknowledged, so it is posted again.
            }

            if (stop.IsCancellationRequested)
                return;
            await Task.Delay(20, CancellationToken.None);
        }
    }
}
