using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;
using MailProxy.Daemon.Cli.Verbs;

namespace MailProxy.Daemon.Cli.Apply;

/// <summary>The command <c>apply</c>: makes what is configured what a file says.</summary>
internal static class ApplyVerb
{
    public static Verb Make()
    {
        var file = Words.Text("--file", "FILE", "YAML or JSON; - is standard input.", "-f");
        var dryRun = Words.Flag("--dry-run", "Show the differences, and end. Exit code 0, also when there are some.");
        var prune = Words.Flag("--prune", "Delete what the file does not name, of the kinds that it names; suppressions and batches stay.");
        var yes = Asking.Yes();
        return new Verb("apply", "Make accounts, pools, tenants and so on what a file says: shows the differences, asks, and applies them.")
        {
            Details =
                "The file has tenants, volumes, accounts, pools, webhooks and batches by id, and a list of suppressions; "
                + "tenant says whose they "
                + "are, and several documents may stand one after another. A secret need not be in it: {from_file: NAME} "
                + "or {from_env: NAME} "
                + "stands for it anywhere, and one that is left out is kept. What somebody else changes meanwhile is not "
                + "overwritten (exit code "
                + "6). mailproxy export writes such a file.",
            Examples = ["mailproxy apply --file mail.yaml --dry-run", "mailproxy apply --file mail.yaml --yes"],
            Run = async call =>
            {
                var name = call.Get(file) ?? throw new UsageException("--file FILE is missing.");
                var documents = await ResourceFile.ReadAsync(call, name);
                var plan = await new ApplyPlan(call, call.Get(prune)).MakeAsync(documents);
                var changes = plan.Where(static change => change.Kind != ChangeKind.None).ToArray();
                if (call.IsJson)
                    call.Terminal.Out.WriteLine(JsonText.Of(Json(plan)));
                else
                    Tell(call, plan, changes);
                if (changes.Length == 0 || call.Get(dryRun))
                    return ExitCode.Done;
                if (!Asking.Confirm(call, $"Apply {changes.Length} changes?", call.Get(yes)))
                    return call.Done(null, "Nothing was changed.");
                return await ApplyAsync(call, changes);
            },
        }.With(file, dryRun, prune, yes);
    }

    private static async Task<int> ApplyAsync(Call call, Change[] changes)
    {
        foreach (var change in changes)
        {
            var method = change.Kind == ChangeKind.Delete ? HttpMethod.Delete : HttpMethod.Put;
            try
            {
                await call.DaemonOf(change.Tenant is "default" ? null : change.Tenant)
                    .SendAsync(method, change.Path, change.Body, call.Stop, change.Tag);
            }
            catch (Client.DaemonException error)
            {
                var done = Array.IndexOf(changes, change);
                throw new Client.DaemonException(
                    error.Trouble,
                    string.Join('\n', error.Message.Split('\n').Select(line => $"{change.Name}: {line}"))
                        + $"\n{done} of {changes.Length} changes were applied; correct this, and apply the file again.",
                    error
                );
            }

            if (!call.IsJson)
                call.Line($"{change.Name}: {Done(change.Kind)}");
        }

        return ExitCode.Done;
    }

    private static void Tell(Call call, IReadOnlyList<Change> plan, Change[] changes)
    {
        foreach (var change in changes)
        {
            call.Line($"{Sign(change.Kind)} {change.Name}{(change.Tenant is null or "default" ? "" : $" (tenant {change.Tenant})")}");
            foreach (var line in change.Lines)
                call.Line("    " + Of(line));
        }

        call.Line(
            changes.Length == 0
                ? $"Nothing to do: {plan.Count} are as the file says."
                : $"{Count(ChangeKind.Make)} to make, {Count(ChangeKind.Replace)} to replace, {Count(ChangeKind.Delete)} to delete, "
                    + $"{plan.Count - changes.Length} as they are."
        );

        int Count(ChangeKind kind) => changes.Count(change => change.Kind == kind);
    }

    private static string Of(DiffLine line) =>
        (line.Before, line.After) switch
        {
            (null, { } after) => $"+ {line.Path}: {Cell.Text(after)}",
            ({ } before, null) => $"- {line.Path}: {Cell.Text(before)}",
            var (before, after) => $"~ {line.Path}: {Cell.Text(before)} -> {Cell.Text(after)}",
        };

    private static JsonObject Json(IEnumerable<Change> plan) =>
        new()
        {
            ["changes"] = new JsonArray([
                .. plan.Select(static change =>
                    (JsonNode)
                        new JsonObject
                        {
                            ["change"] = change.Kind.ToString().ToLowerInvariant(),
                            ["tenant"] = change.Tenant,
                            ["name"] = change.Name,
                            ["members"] = new JsonArray([
                                .. change.Lines.Select(static line =>
                                    (JsonNode)
                                        new JsonObject
                                        {
                                            ["path"] = line.Path,
                                            ["before"] = line.Before?.DeepClone(),
                                            ["after"] = line.After?.DeepClone(),
                                        }
                                ),
                            ]),
                        }
                ),
            ]),
        };

    private static char Sign(ChangeKind kind) =>
        kind switch
        {
            ChangeKind.Make => '+',
            ChangeKind.Delete => '-',
            _ => '~',
        };

    private static string Done(ChangeKind kind) =>
        kind switch
        {
            ChangeKind.Make => "made",
            ChangeKind.Delete => "deleted",
            _ => "replaced",
        };
}
