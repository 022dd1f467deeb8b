using System.CommandLine;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>Reads lists of the daemon page by page, up to as many rows as are wanted.</summary>
internal static class Lists
{
    private const int Usual = 50;
    private const int LargestPage = 500;

    public static Option<int?> Limit() => Words.Number("--limit", "N", $"At most so many; {Usual} without it.", 1, 1_000_000);

    public static Option<bool> All() => Words.Flag("--all", "Every one there is, page after page.");

    /// <summary>The rows in <c>data</c>, as if it were one page.</summary>
    /// <param name="path">With its own query, if it has one.</param>
    public static async Task<JsonObject> ReadAsync(Call call, string path, int? limit, bool all)
    {
        var most = all ? int.MaxValue : limit ?? Usual;
        var joint = path.Contains('?') ? '&' : '?';
        var asked = $"{path}{joint}limit={Math.Min(most, LargestPage)}{(call.Tenant is "*" ? "&tenant=*" : "")}";
        var rows = new JsonArray();
        long scanned = 0;
        await foreach (var page in call.Daemon.PagesAsync(asked, call.Stop))
        {
            scanned += Cell.Number(page, "scanned");
            foreach (var row in ((JsonArray)page["data"]!).ToArray())
            {
                if (rows.Count == most)
                    return List(rows, page["next_cursor"], scanned, more: true);
                row!.Parent!.AsArray().Remove(row);
                rows.Add(row);
            }

            if (rows.Count == most)
                return List(rows, page["next_cursor"], scanned, more: page["next_cursor"] is not null);
        }

        return List(rows, null, scanned, more: false);
    }

    /// <summary>Shows a list as a table, and beside it that there are more.</summary>
    public static async Task<int> ShowAsync(Call call, string path, int? limit, bool all, IReadOnlyList<Column> columns, string none)
    {
        var list = await ReadAsync(call, path, limit, all);
        call.Show(
            list,
            _ =>
            {
                JsonNode[] rows = [.. ((JsonArray)list["data"]!).Select(static row => row!)];
                if (rows.Length == 0)
                    call.Note(none);
                else
                    Tables.Write(call.Terminal, columns, rows);
                if (Cell.Flag(list, "more"))
                    call.Note($"There are more than these {rows.Length}: --limit N, or --all.");
            }
        );
        return ExitCode.Done;
    }

    private static JsonObject List(JsonArray rows, JsonNode? cursor, long scanned, bool more)
    {
        var list = new JsonObject
        {
            ["data"] = rows,
            ["next_cursor"] = cursor?.DeepClone(),
            ["more"] = more,
        };
        if (scanned > 0)
            list["scanned"] = scanned;
        return list;
    }
}
