using System.CommandLine;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Daemon.Cli.Output;
using MailProxy.Daemon.Client;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The commands below <c>messages</c> that act: on ids, or on all that a search finds.</summary>
internal static class MessageActions
{
    public static Verb Make(string action, string summary, string example) => Make(action, summary, [example], [], static _ => []);

    public static Verb MakeReroute()
    {
        var account = Words.Text("--account", "ID", "The account that they shall go by.");
        var pool = Words.Text("--pool", "ID", "The pool that they shall go by.");
        return Make(
            "reroute",
            "Let waiting ones go by another account or pool.",
            [
                "mailproxy messages reroute order-4711 --account backup",
                "mailproxy messages reroute --matching \"account:relay status:scheduled\" --pool both --yes",
            ],
            [account, pool],
            call =>
            {
                var (one, other) = (call.Get(account), call.Get(pool));
                if ((one is null) == (other is null))
                    throw new UsageException("Where shall they go? Name one of --account and --pool.");
                return new() { [one is null ? "pool" : "account"] = one ?? other };
            }
        );
    }

    public static Verb MakeReschedule()
    {
        var at = Words.Text("--at", "TIME", "When they shall go: RFC 3339 (2026-12-01T08:00:00Z) or Unix seconds.");
        var expires = Words.Text("--expires", "TIME", "Until when they may be tried; without it as long after --at as before.");
        return Make(
            "reschedule",
            "Send waiting ones at another time.",
            ["mailproxy messages reschedule order-4711 --at 2099-06-01T08:00:00Z"],
            [at, expires],
            call =>
            {
                var members = new JsonObject
                {
                    ["send_at"] = Time(call.Get(at) ?? throw new UsageException("When shall they go? Say --at TIME.")),
                };
                if (call.Get(expires) is { } until)
                    members["expires_at"] = Time(until);
                return members;
            }
        );
    }

    private static Verb Make(string action, string summary, string[] examples, Option[] own, Func<Call, JsonObject> members)
    {
        var ids = Words.List("ID", "The messages' ids.");
        var matching = Words.Text("--matching", "QUERY", "All messages that this search finds (docs/reference/search.md), instead of ids.");
        var preview = Words.Flag("--preview", "With --matching: show what it would do, and end.");
        var detach = Words.Flag("--no-wait", "With --matching: end when it has begun; see mailproxy operations show.");
        var yes = Asking.Yes();
        return new Verb(action, summary)
        {
            Details =
                "With --matching it is shown first how many messages are meant, and asked; then it runs in the daemon as "
                + "an operation, in steps, "
                + "and goes on when this command is interrupted (mailproxy operations stop ends it).",
            Examples = examples,
            Run = call =>
            {
                var query = call.Get(matching);
                var named = call.Get(ids) ?? [];
                if (query is null == named.Length is 0)
                    throw new UsageException("Which messages? Give their ids, or --matching QUERY.");
                var body = members(call);
                return query is null
                    ? OnEachAsync(call, action, named, body)
                    : OnAllAsync(call, action, query, body, call.Get(preview), call.Get(yes), call.Get(detach));
            },
        }
            .With(ids, matching)
            .With(own)
            .With(preview, yes, detach);
    }

    private static async Task<int> OnEachAsync(Call call, string action, string[] ids, JsonObject body)
    {
        var code = ExitCode.Done;
        foreach (var id in ids)
        {
            try
            {
                var path = Call.Path($"v1/messages/{{0}}/{action}", id);
                var answer = await call.Daemon.SendAsync(HttpMethod.Post, path, body.Count == 0 ? null : body, call.Stop);
                call.Done(answer.Body, $"{id}: {Cell.Text(answer.Body, "status")}");
            }
            catch (DaemonException error) when (ids.Length > 1 && error.Trouble is DaemonTrouble.Conflict or DaemonTrouble.NotFound)
            {
                call.Note($"mailproxy: {id}: {error.Message}");
                code = code == ExitCode.Done ? ExitCode.Of(error.Trouble) : code;
            }
        }

        return code;
    }

    private static async Task<int> OnAllAsync(
        Call call,
        string action,
        string query,
        JsonObject body,
        bool onlyPreview,
        bool yes,
        bool detach
    )
    {
        body["action"] = action;
        body["q"] = query;
        body["preview"] = true;
        const string Actions = "v1/messages/actions";
        var shown = (await call.Daemon.SendAsync(HttpMethod.Post, Actions, body, call.Stop)).Body!;
        if (onlyPreview && call.IsJson)
            return call.Done(shown, "");
        if (!call.IsJson)
            Tell(call, shown);
        if (onlyPreview || Cell.Number(shown, "would_change") == 0)
            return call.IsJson ? call.Done(shown, "") : ExitCode.Done;
        if (!Asking.Confirm(call, $"{action} {Cell.Number(shown, "would_change")} messages?", yes))
            return call.Done(null, "Nothing was changed.");
        var token = new JsonObject { ["token"] = (string?)shown["token"] };
        var begun = await call.Daemon.PostAsync(Actions, token, ApiJson.Plain.OperationAnswer, call.Stop);
        if (detach)
            return call.Done(
                await call.Daemon.GetAsync($"v1/operations/{begun.Id}", call.Stop),
                $"Begun: mailproxy operations show {begun.Id}"
            );
        return await OperationProgress.FollowAsync(call, begun.Id);
    }

    private static void Tell(Call call, JsonNode shown)
    {
        var about = Cell.Flag(shown, "exact") ? "" : "more than ";
        call.Line($"Found: {about}{Cell.Number(shown, "count")} messages ({Cell.Text(shown, "by_status")}).");
        call.Line(
            $"{Cell.Text(shown, "action")} would change {about}{Cell.Number(shown, "would_change")} of them; "
                + (Cell.Flag(shown, "undoable") ? "it can be undone for an hour." : "it cannot be undone.")
        );
        var sample = (JsonArray)shown["sample"]!;
        if (sample.Count > 0)
            Tables.Write(call.Terminal, MessageColumns.All, [.. sample.Select(static one => one!)]);
    }

    private static JsonNode Time(string text) =>
        long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var seconds)
            ? JsonValue.Create(seconds)
            : JsonValue.Create(text);
}
