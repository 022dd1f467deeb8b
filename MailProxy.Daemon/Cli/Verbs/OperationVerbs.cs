using MailProxy.Daemon.Cli.Output;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The commands below <c>operations</c>: actions on many messages, as the daemon runs them.</summary>
internal static class OperationVerbs
{
    private static readonly IReadOnlyList<Column> Columns =
    [
        new("id", "id"),
        new("action", "action"),
        new("status", "status"),
        new("search", "q"),
        new("expected", "expected", isRight: true),
        new("changed", "changed", isRight: true),
        new("refused", "refused", isRight: true),
        new("by", "actor"),
        new("begun", "created_at"),
        new("undoable until", "undoable_until"),
    ];

    public static Verb Make() =>
        new Verb("operations", "Actions on many messages: how far they are, end or undo them.").With(
            ListVerb(),
            Act("show", "How far an operation is.", "mailproxy operations show op_1", HttpMethod.Get, ""),
            Act("stop", "End an operation; what it has changed stays changed.", "mailproxy operations stop op_2", HttpMethod.Post, "/stop"),
            WatchVerb(),
            UndoVerb()
        );

    private static Verb ListVerb()
    {
        var (limit, all) = (Lists.Limit(), Lists.All());
        return new Verb("list", "Operations, the newest first.")
        {
            Examples = ["mailproxy operations list"],
            Run = call => Lists.ShowAsync(call, "v1/operations", call.Get(limit), call.Get(all), Columns, "There are no operations."),
        }.With(limit, all);
    }

    private static Verb Act(string name, string summary, string example, HttpMethod method, string route)
    {
        var id = Words.Word("ID", "The operation's id.");
        return new Verb(name, summary)
        {
            Examples = [example],
            Run = async call =>
            {
                var answer = await call.Daemon.SendAsync(method, Call.Path("v1/operations/{0}", call.Word(id)) + route, null, call.Stop);
                call.Show(answer.Body!, body => Outline.Write(call.Terminal, body));
                return ExitCode.Done;
            },
        }.With(id);
    }

    private static Verb WatchVerb()
    {
        var id = Words.Word("ID", "The operation's id.");
        return new Verb("watch", "Follow an operation until it has ended; exit code 0 when it is done, 1 when it was stopped or failed.")
        {
            Examples = ["mailproxy operations watch op_1"],
            Run = call => OperationProgress.FollowAsync(call, call.Word(id)),
        }.With(id);
    }

    private static Verb UndoVerb()
    {
        var id = Words.Word("ID", "The operation's id.");
        return new Verb("undo", "Put back what an ended operation has changed, within an hour of its end.")
        {
            Details = "hold is undone by releasing, release by holding, reroute and reschedule by what each message had before.",
            Examples = ["mailproxy operations undo op_1"],
            Run = async call =>
            {
                var path = Call.Path("v1/operations/{0}/undo", call.Word(id));
                var begun = await call.Daemon.SendAsync(HttpMethod.Post, path, null, call.Stop);
                return await OperationProgress.FollowAsync(call, (string)begun.Body!["id"]!);
            },
        }.With(id);
    }
}
