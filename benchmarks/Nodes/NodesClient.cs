using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>A client that knows several nodes: on any error it posts again, with the same id, to the next one.</summary>
internal sealed class NodesClient(IReadOnlyList<HttpClient> nodes, int number, ConcurrentDictionary<string, string> acknowledged)
{
    /// <summary>A mail to each account in turn, and to the pool.</summary>
    public const int Accounts = 6;

    public const string Limited = "limited";

    public const int LimitPerMinute = 240;

    /// <summary>Mail that was begun before a minute and arrived in it: as much as its connections have under way at two nodes.</summary>
    public const int UnderWay = 4;

    private static readonly string[] Policies = ["retry", "retry", "hold", "assume_sent"];

    private readonly Random _dice = new(number);
    private int _count;

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var n = _count++;
            await PostAsync(Mail($"c{number}-{n}", n), stop);
            await Task.Delay(10, CancellationToken.None);
        }
    }

    private static JsonObject Mail(string id, int n) =>
        new()
        {
            ["id"] = id,
            [n % 8 == 7 ? "pool" : "account"] =
                n % 8 == 7 ? "pool"
                : n % 8 == 6 ? Limited
                : $"a{n % 8}",
            ["from"] = "chaos@example.com",
            ["to"] = $"{id}@example.net",
            ["subject"] = $"chaos {id}",
            ["text"] = new string('x', n % 97 == 0 ? 300_000 : 200 + (n % 7 * 300)),
            ["on_ambiguous"] = Policies[n / 8 % Policies.Length],
        };

    private async Task PostAsync(JsonObject mail, CancellationToken stop)
    {
        for (var at = _dice.Next(nodes.Count); ; at++)
        {
            try
            {
                using var longest = new CancellationTokenSource(TimeSpan.FromSeconds(20));
                using var answer = await nodes[at % nodes.Count].PostAsJsonAsync("/v1/messages", mail, longest.Token);
                if (answer.StatusCode is HttpStatusCode.Accepted or HttpStatusCode.OK or HttpStatusCode.Conflict)
                {
                    // A conflict says that the id is being sent or was sent: it was accepted before, by whichever node.
                    acknowledged[(string)mail["id"]!] = (string)mail["on_ambiguous"]!;
                    return;
                }

                if ((int)answer.StatusCode is < 500 and not 429)
                    throw new InvalidOperationException(
                        $"{(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(longest.Token)}"
                    );
            }
            catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException)
            {
                // Not acknowledged, so it is posted again.
            }

            if (stop.IsCancellationRequested)
                return;
            await Task.Delay(20, CancellationToken.None);
        }
    }
}
