using System.Text.Json.Nodes;
using NUnit.Framework;

namespace MailProxy.Tests.Support;

/// <summary>Follows the events of a daemon over HTTP, as a client does: a long poll that a commit answers.</summary>
internal static class EventFeed
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(90);

    /// <summary>Completes when so many events satisfied the question; fails when they did not within the bound.</summary>
    public static async Task UntilAsync(HttpClient http, Func<JsonNode, bool> wanted, int count = 1)
    {
        var began = TimeProvider.System.GetTimestamp();
        var found = 0;
        for (var after = ""; found < count; )
        {
            var page = JsonNode.Parse(await http.GetStringAsync($"/v1/events?wait=10&limit=500{after}"))!;
            found += page["data"]!.AsArray().Count(one => wanted(one!));
            after = $"&after={Uri.EscapeDataString((string)page["next_cursor"]!)}";
            if (TimeProvider.System.GetElapsedTime(began) > Bound)
                Assert.Fail($"Only {found} of {count} events came in time.");
        }
    }
}
