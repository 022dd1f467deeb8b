using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;
using MailProxy.Daemon.Client;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The command <c>events</c>: the feed of all that happens.</summary>
internal static class EventVerbs
{
    private const int Page = 500;

    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(20);

    public static readonly IReadOnlyList<Column> Columns =
    [
        new("time", "timestamp"),
        new("event", "type"),
        new("account", "data.account"),
        new("attempt", "data.attempt", isRight: true),
        new("what", What),
    ];

    public static Verb Make()
    {
        var follow = Words.Flag("--follow", "Go on with what happens from now on, until interrupted.");
        var after = Words.Text("--after", "CURSOR", "Go on behind a cursor that --json has shown.");
        var from = Words.Choice("--from", "start: the oldest that are kept; now: what happens from now on.", "start", "now");
        var count = Words.Number("--count", "N", "End after so many.", 1, int.MaxValue);
        return new Verb("events", "What happens to messages and accounts, a line each.")
        {
            Details = "Without --follow it begins with the oldest events that are kept and ends with the newest; with it, it begins now.",
            Examples = ["mailproxy events --count 20", "mailproxy events --follow --from start --count 5"],
            Run = async call =>
            {
                if (call.Get(after) is not null && call.Get(from) is not null)
                    throw new UsageException("--after and --from both say where to begin: give one of the two.");
                var follows = call.Get(follow);
                var cursor =
                    call.Get(after)
                    ?? (call.Get(from) ?? (follows ? "now" : "start")) switch
                    {
                        "now" => "now",
                        _ => "",
                    };
                return await ReadAsync(call, cursor, follows, call.Get(count) ?? int.MaxValue);
            },
        }.With(follow, from, after, count);
    }

    /// <summary>An event in one line.</summary>
    public static string Sentence(JsonNode one) =>
        string.Join(
            "  ",
            new[]
            {
                Cell.Text(one, "timestamp"),
                Cell.Text(one, "type").PadRight(18),
                Cell.Text(one, "data.message_id"),
                Cell.Text(one, "data.account") is { Length: > 0 } account ? $"by {account}" : "",
                What(one),
            }.Where(static part => part.Length > 0)
        );

    private static async Task<int> ReadAsync(Call call, string cursor, bool follow, int most)
    {
        for (var told = 0; ; )
        {
            // Refused when more long polls wait than may: then it is asked again, as a client of the feed does.
            var waits = follow ? $"&wait={Wait.TotalSeconds:0}" : "";
            var page = await call.Daemon.WaitAsync($"v1/events?after={Uri.EscapeDataString(cursor)}&limit={Page}{waits}", Wait, call.Stop);
            var events = (JsonArray)page["data"]!;
            foreach (var one in events)
            {
                MessageWatch.Tell(call, one!);
                if (++told == most)
                    return ExitCode.Done;
            }

            var next = (string?)page["next_cursor"] ?? throw new DaemonException(DaemonTrouble.Failed, "The feed has no next_cursor.");
            if (!follow && (events.Count == 0 || next == cursor))
                return ExitCode.Done;
            cursor = next;
        }
    }

    // What a person wants to know of it beside its type: the first recipient's reply, or the remedy.
    private static string What(JsonNode one)
    {
        if (Cell.Text(one, "data.remedy") is { Length: > 0 } remedy)
            return remedy;
        var recipients = one["data"]?["recipients"] as JsonArray;
        var first = recipients is { Count: > 0 } ? recipients[0] : null;
        var reply = Cell.Text(first, "reply");
        var to = Cell.Text(first, "email") + (recipients is { Count: > 1 } ? $" (+{recipients.Count - 1})" : "");
        return reply.Length == 0 ? to : $"{to}: {Cell.Text(first, "smtp_code")} {reply}";
    }
}
