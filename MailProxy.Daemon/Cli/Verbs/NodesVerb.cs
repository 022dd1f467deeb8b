using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The command <c>nodes</c>: those that share the store.</summary>
internal static class NodesVerb
{
    private static readonly IReadOnlyList<Column> Columns =
    [
        new("node", "name"),
        new("version", "version"),
        new("since", "started_at"),
        new("last beat", "beat_at"),
        new("lanes", "lanes", isRight: true),
        new("keeps house", "keeps_house"),
        new("leaving", "leaving"),
        new("configuration in force", "in_force"),
        new("profiles", "profiles"),
    ];

    public static Verb Make() =>
        new("nodes", "The nodes that share a store in PostgreSQL, and what each sends for.")
        {
            Examples = ["mailproxy nodes"],
            Run = async call =>
            {
                var nodes = await call.Daemon.GetAsync("v1/nodes", call.Stop);
                call.Show(nodes, _ => Write(call, nodes));
                return ExitCode.Done;
            },
        };

    /// <summary>A line for the whole screen; null: there is one node, or the store cannot be shared.</summary>
    public static string? Line(JsonNode nodes)
    {
        JsonNode[] all = [.. nodes["data"]!.AsArray().Select(static one => one!)];
        return all.Length < 2
            ? null
            : "nodes: "
                + string.Join(", ", all.Select(static one => $"{Cell.Text(one, "name")} ({Cell.Text(one, "lanes")} lanes)"))
                + (Cell.Flag(nodes, "profiles_differ") ? "; their provider profiles differ" : "");
    }

    private static void Write(Call call, JsonNode nodes)
    {
        if (!Cell.Flag(nodes, "shared"))
        {
            call.Line("The store is in SQLite, which one process has for itself.");
            return;
        }

        Tables.Write(call.Terminal, Columns, [.. nodes["data"]!.AsArray().Select(static one => one!)]);
        if (Cell.Flag(nodes, "profiles_differ"))
            call.Line("Their provider profiles differ: make Verdicts:Directory the same at every node.");
    }
}
