using MailProxy.Daemon.Cli.Output;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The commands that look at what went by: requests, the flow of the last hour, the mail of the daemon's sandbox.</summary>
internal static class WatchVerbs
{
    private static readonly IReadOnlyList<Column> RequestColumns =
    [
        new("request", "request_id"),
        new("time", "at"),
        new("method", "method"),
        new("path", "path"),
        new("status", "status", isRight: true),
        new("ms", "ms", isRight: true),
        new("code", "code"),
        new("by", "actor"),
        new("messages", "messages"),
    ];

    private static readonly IReadOnlyList<Column> FlowColumns =
    [
        new("since", "at"),
        new("accepted", "accepted", isRight: true),
        new("sent", "sent", isRight: true),
        new("deferred", "deferred", isRight: true),
        new("failed", "failed", isRight: true),
        new("p50 s", "p50_seconds", isRight: true),
        new("p99 s", "p99_seconds", isRight: true),
    ];

    private static readonly IReadOnlyList<Column> MailColumns =
    [
        new("id", "id"),
        new("time", "received_at"),
        new("from", "from"),
        new("to", "to"),
        new("subject", "subject"),
        new("size", static one => Cell.Bytes(Cell.Number(one, "size")), IsRight: true),
    ];

    public static Verb Requests()
    {
        var failed = Words.Flag("--failed", "Only those that were refused or failed.");
        var message = Words.Text("--message", "ID", "Only those of this message.");
        var (limit, all) = (Lists.Limit(), Lists.All());
        return new Verb("requests", "Requests to the API.").With(
            new Verb("list", "Requests of the last day, the newest first; a restart of the daemon forgets them.")
            {
                Examples = ["mailproxy requests list --failed", "mailproxy requests list --message order-4711"],
                Run = call =>
                {
                    var query = new List<string>();
                    if (call.Get(failed))
                        query.Add("failed=true");
                    if (call.Get(message) is { } id)
                        query.Add("message=" + Uri.EscapeDataString(id));
                    var path = "v1/requests" + (query.Count > 0 ? "?" + string.Join('&', query) : "");
                    return Lists.ShowAsync(call, path, call.Get(limit), call.Get(all), RequestColumns, "There are no such requests.");
                },
            }.With(failed, message, limit, all)
        );
    }

    public static Verb Flow() =>
        new("flow", "What was accepted, sent, deferred and failed in the last hour, and how long it took from acceptance to sent.")
        {
            Examples = ["mailproxy flow"],
            Run = async call =>
            {
                var flow = await call.Daemon.GetAsync("v1/status/flow", call.Stop);
                call.Show(
                    flow,
                    _ =>
                    {
                        call.Line($"in steps of {Cell.Text(flow, "step_seconds")} s; steps in which nothing went are left out");
                        Tables.Write(call.Terminal, FlowColumns, [.. flow["steps"]!.AsArray().Select(static step => step!)]);
                    }
                );
                return ExitCode.Done;
            },
        };

    public static Verb Inbox() => new Verb("inbox", "Mail that the daemon's own sandbox has caught.").With(InboxList(), InboxRaw());

    private static Verb InboxList()
    {
        var (limit, all) = (Lists.Limit(), Lists.All());
        return new Verb("list", "Caught mail, the newest first.")
        {
            Examples = ["mailproxy inbox list"],
            Run = call =>
                Lists.ShowAsync(
                    call,
                    "v1/sandbox/messages",
                    call.Get(limit),
                    call.Get(all),
                    MailColumns,
                    "The sandbox has caught nothing."
                ),
        }.With(limit, all);
    }

    private static Verb InboxRaw()
    {
        var id = Words.Word("ID", "Its number in the list.");
        var output = Words.Text("--output", "FILE", "Write it there instead of to standard output.", "-o");
        return new Verb("raw", "A caught mail as it came (RFC 5322).")
        {
            Examples = ["mailproxy inbox raw 1"],
            Run = async call =>
            {
                var path = Call.Path("v1/sandbox/messages/{0}/raw", call.Word(id));
                await Files.WriteAsync(call, call.Get(output), target => call.Daemon.CopyAsync(path, target, call.Stop));
                return ExitCode.Done;
            },
        }.With(id, output);
    }
}
