using System.CommandLine;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The commands below <c>messages</c> that look.</summary>
internal static class MessageVerbs
{
    public static Verb Make() =>
        new Verb("messages", "Find messages, see why they are where they are, act on one or on all that a search finds.").With(
            ListVerb(),
            ShowVerb(),
            ExplainVerb(),
            RawVerb(),
            AttemptsVerb(),
            EventsVerb(),
            MessageWatch.Make(),
            MessageActions.Make("cancel", "Never send them (again).", "mailproxy messages cancel --matching \"batch:news-11\" --yes"),
            MessageActions.Make(
                "retry",
                "Try them now; failed and expired ones are queued anew.",
                "mailproxy messages retry --matching \"status:deferred account:relay\" --yes"
            ),
            MessageActions.Make("hold", "Keep them until they are released.", "mailproxy messages hold order-4711"),
            MessageActions.Make("release", "Let held ones go.", "mailproxy messages release order-4712"),
            MessageActions.MakeReroute(),
            MessageActions.MakeReschedule()
        );

    /// <summary>The command <c>where</c>.</summary>
    public static Verb Where()
    {
        var address = Words.Word("ADDRESS", "A recipient's address, a message's id, or a Message-ID in angle brackets.");
        var limit = Lists.Limit();
        return new Verb("where", "Where somebody's mail is, and why: the newest messages to an address, each with one sentence.")
        {
            Examples = ["mailproxy where ann@example.com"],
            Run = call =>
            {
                var text = call.Word(address);
                var kind =
                    text.StartsWith('<') ? "message_id"
                    : text.Contains('@') ? "address"
                    : "id";
                return Lists.ShowAsync(
                    call,
                    $"v1/where?{kind}={Uri.EscapeDataString(text)}",
                    call.Get(limit),
                    all: false,
                    MessageColumns.Explained,
                    $"There is no message for {text}."
                );
            },
        }.With(address, limit);
    }

    private static Argument<string> Id() => Words.Word("ID", "The message's id.");

    private static Verb ListVerb()
    {
        var query = Words.OptionalWord("QUERY", "Which messages: to:ann@example.com status:deferred age:>1h invoice … Without it: all.");
        var (limit, all) = (Lists.Limit(), Lists.All());
        return new Verb("list", "Messages that a search finds, the newest first.")
        {
            Details =
                "The search is the text that the API and the page take (docs/reference/search.md). A search that begins with a minus sign "
                + "stands behind --.",
            Examples =
            [
                "mailproxy messages list \"to:ann@example.com status:deferred,scheduled\"",
                "mailproxy messages list --limit 5 --json",
                "mailproxy messages list -- \"-status:sent age:>1h\"",
            ],
            Run = call =>
                Lists.ShowAsync(
                    call,
                    call.Get(query) is { Length: > 0 } text ? $"v1/messages?q={Uri.EscapeDataString(text)}" : "v1/messages",
                    call.Get(limit),
                    call.Get(all),
                    MessageColumns.All,
                    "No message is found."
                ),
        }.With(query, limit, all);
    }

    private static Verb ShowVerb()
    {
        var id = Id();
        return new Verb("show", "One message: its state, its recipients with the servers' replies, what it waits for.")
        {
            Examples = ["mailproxy messages show order-4711"],
            Run = async call =>
            {
                var message = await call.Daemon.GetAsync(Call.Path("v1/messages/{0}", call.Word(id)), call.Stop);
                call.Show(
                    message,
                    _ =>
                    {
                        Outline.Write(call.Terminal, message, "recipients");
                        call.Line("");
                        Tables.Write(call.Terminal, MessageColumns.OfRecipients, [.. ((JsonArray)message["recipients"]!).Select(r => r!)]);
                    }
                );
                return ExitCode.Done;
            },
        }.With(id);
    }

    private static Verb ExplainVerb()
    {
        var id = Id();
        return new Verb("explain", "Why a message is where it is, what holds it, and what happens next.")
        {
            Examples = ["mailproxy messages explain order-4711"],
            Run = async call =>
            {
                var answer = await call.Daemon.GetAsync(Call.Path("v1/messages/{0}/explain", call.Word(id)), call.Stop);
                call.Show(
                    answer,
                    _ =>
                    {
                        call.Line(Cell.Text(answer, "summary"));
                        Outline.Write(call.Terminal, answer, "summary", "id", "tenant");
                    }
                );
                return ExitCode.Done;
            },
        }.With(id);
    }

    private static Verb RawVerb()
    {
        var id = Id();
        var output = Words.Text("--output", "FILE", "Write it there instead of to standard output.", "-o");
        return new Verb("raw", "The message as it is sent (RFC 5322).")
        {
            Examples = ["mailproxy messages raw order-4711 --output order-4711.eml"],
            Run = async call =>
            {
                var path = Call.Path("v1/messages/{0}/raw", call.Word(id));
                await Files.WriteAsync(call, call.Get(output), target => call.Daemon.CopyAsync(path, target, call.Stop));
                return ExitCode.Done;
            },
        }.With(id, output);
    }

    private static Verb AttemptsVerb()
    {
        var id = Id();
        return new Verb("attempts", "The attempts that did not simply succeed, with what was said to the server and by it.")
        {
            Examples = ["mailproxy messages attempts order-4711"],
            Run = async call =>
            {
                var answer = await call.Daemon.GetAsync(Call.Path("v1/messages/{0}/attempts", call.Word(id)), call.Stop);
                call.Show(answer, _ => WriteAttempts(call, (JsonArray)answer["data"]!));
                return ExitCode.Done;
            },
        }.With(id);
    }

    private static void WriteAttempts(Call call, JsonArray attempts)
    {
        if (attempts.Count == 0)
            call.Note("None: it simply succeeded, was not tried yet, or its content was removed.");
        foreach (var attempt in attempts)
        {
            call.Line(
                $"{Cell.Text(attempt, "number")}. {Cell.Text(attempt, "began_at")} {Cell.Text(attempt, "outcome")} by "
                    + $"{Cell.Text(attempt, "account")} ({Cell.Text(attempt, "server")}) {Cell.Text(attempt, "error")}"
            );
            foreach (var line in (JsonArray)attempt!["lines"]!)
                call.Line($"   {Cell.Text(line, "ms"), 6} ms  {Cell.Text(line, "line")}");
        }
    }

    private static Verb EventsVerb()
    {
        var id = Id();
        return new Verb("events", "What has happened to a message, the oldest first.")
        {
            Examples = ["mailproxy messages events order-4711"],
            Run = call =>
                Lists.ShowAsync(
                    call,
                    Call.Path("v1/messages/{0}/events", call.Word(id)),
                    null,
                    all: true,
                    EventVerbs.Columns,
                    "There are no events of it any more."
                ),
        }.With(id);
    }
}
