using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The command <c>messages watch</c>: what happens to a message, until it is final.</summary>
internal static class MessageWatch
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    public static Verb Make()
    {
        var id = Words.Word("ID", "The message's id.");
        return new Verb("watch", "Follow a message until it is final; exit code 0 when it was sent, 1 when not.")
        {
            Examples = ["mailproxy messages watch welcome-1"],
            Run = async call => Code(await FollowAsync(call, call.Word(id), one => Tell(call, one))),
        }.With(id);
    }

    /// <summary>The message once it is final; each event before it is told.</summary>
    public static async Task<JsonNode> FollowAsync(Call call, string id, Action<JsonNode> tell)
    {
        var path = Call.Path("v1/messages/{0}", id);
        var (told, waits) = (0L, "");
        for (var pause = Shortest; ; pause = pause * 2 > Longest ? Longest : pause * 2)
        {
            var message = await call.Daemon.GetAsync(path, call.Stop);
            await foreach (var page in call.Daemon.PagesAsync(path + "/events?limit=500", call.Stop))
            {
                foreach (var one in ((JsonArray)page["data"]!).Where(one => Cell.Number(one, "sequence") > told))
                {
                    told = Cell.Number(one, "sequence");
                    tell(one!);
                    pause = Shortest;
                }
            }

            if (Cell.Flag(message, "final"))
                return message;
            if (Cell.Text(message, "waiting_for.detail") is { Length: > 0 } detail && detail != waits && !call.IsJson)
            {
                waits = detail;
                call.Note($"waits: {detail}");
            }

            await Task.Delay(pause, call.Clock, call.Stop);
        }
    }

    public static int Code(JsonNode message) => Cell.Text(message, "status") == "sent" ? ExitCode.Done : ExitCode.Failed;

    public static void Tell(Call call, JsonNode one)
    {
        if (call.IsJson)
            call.Terminal.Out.WriteLine(JsonText.Of(one));
        else
            call.Line(EventVerbs.Sentence(one));
    }
}
