using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The commands about the installation as a whole: status, dispatcher, audit log, erasing a person.</summary>
internal static class InstallationVerbs
{
    private static readonly IReadOnlyList<Column> AuditColumns =
    [
        new("number", "number", isRight: true),
        new("time", "at"),
        new("actor", "actor"),
        new("action", "action"),
        new("object", "object"),
    ];

    public static Verb Status() =>
        new(
            "status",
            "How the daemon is: whether it takes mail, its queue, store and disk, and accounts that hold mail. Exit code 1: not ready."
        )
        {
            Examples = ["mailproxy status"],
            Run = async call =>
            {
                var status = await call.Daemon.GetAsync("v1/status", call.Stop);
                call.Show(status, _ => StatusText.Write(call, status));
                return Cell.Flag(status, "ready") ? ExitCode.Done : ExitCode.Failed;
            },
        };

    public static Verb Health() =>
        new("health", "Whether the daemon takes mail; needs no key. For the health check of a container. Exit code 1: it does not.")
        {
            Examples = ["mailproxy health"],
            Run = async call =>
            {
                using var daemon = call.WithoutKey();
                var answer = await daemon.GetAsync("health/ready", call.Stop);
                return call.Done(answer, Cell.Text(answer, "status"));
            },
        };

    public static Verb Dispatcher() =>
        new Verb("dispatcher", "Sending of the whole installation.").With(
            Dispatch("suspend", "Let all mail wait, also after a restart.", "All mail waits."),
            Dispatch("activate", "Let mail go again.", "Mail goes."),
            Dispatch("run-now", "Try now what waits for trouble to pass: one message of each account.", "It is tried now.")
        );

    public static Verb Audit()
    {
        var after = Words.Text("--after", "NUMBER", "Behind this line.");
        var limit = Lists.Limit();
        return new Verb("audit", "Who has changed what. The log never has secrets.").With(
            new Verb("list", "Lines of the audit log, the oldest first.")
            {
                Examples = ["mailproxy audit list --limit 20"],
                Run = async call =>
                {
                    var place = call.Get(after) is { } number ? $"&after={Uri.EscapeDataString(number)}" : "";
                    var text = await call.Daemon.TextAsync($"v1/audit?limit={Math.Min(call.Get(limit) ?? 50, 500)}{place}", call.Stop);
                    JsonNode[] lines =
                    [
                        .. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonNode.Parse(line)!),
                    ];
                    if (!call.IsJson)
                        Tables.Write(call.Terminal, AuditColumns, lines);
                    foreach (var line in call.IsJson ? lines : [])
                        call.Terminal.Out.WriteLine(JsonText.Of(line));
                    return ExitCode.Done;
                },
            }.With(after, limit)
        );
    }

    public static Verb Recipients()
    {
        var address = Words.Word("ADDRESS", "Whose.");
        var yes = Asking.Yes();
        return new Verb("recipients", "People who get mail.").With(
            new Verb("erase", "Erase a person: their address, and the content of mail to them. Waiting mail to them is cancelled.")
            {
                Examples = ["mailproxy recipients erase bob@example.com --yes"],
                Run = async call =>
                {
                    var who = call.Word(address);
                    if (!Asking.Confirm(call, $"Erase {who}? It cannot be undone.", call.Get(yes)))
                        return call.Done(null, "Nothing was erased.");
                    var path = $"v1/recipients?address={Uri.EscapeDataString(who)}{(call.Tenant is "*" ? "&tenant=*" : "")}";
                    var answer = (await call.Daemon.SendAsync(HttpMethod.Delete, path, null, call.Stop)).Body!;
                    call.Show(answer, _ => Outline.Write(call.Terminal, answer));
                    return Cell.Number(answer, "pending_count") == 0 ? ExitCode.Done : ExitCode.Conflict;
                },
            }.With(address, yes)
        );
    }

    private static Verb Dispatch(string name, string summary, string done) =>
        new(name, summary)
        {
            Examples = [$"mailproxy dispatcher {name}"],
            Run = async call =>
            {
                var answer = await call.Daemon.SendAsync(HttpMethod.Post, $"v1/dispatcher/{name}", null, call.Stop);
                return call.Done(answer.Body, done);
            },
        };
}
