using System.Globalization;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The status of a daemon, as people read it.</summary>
internal static class StatusText
{
    private static readonly IReadOnlyList<Column> Accounts =
    [
        new("account", static one => Name(one)),
        new("paused", "paused"),
        new("waits for", "waiting_for.reason"),
        new("until", "waiting_for.until"),
        new("why", "waiting_for.detail"),
    ];

    public static void Write(Call call, JsonNode status)
    {
        call.Line(Head(call, status));
        foreach (var reason in status["not_ready"] as JsonArray ?? [])
            call.Line($"  {Cell.Text(reason, "code")}: {Cell.Text(reason, "detail")}");
        call.Line(Queue(status));
        call.Line(Disk(status));
        JsonNode[] waiting = [.. Waiting(status)];
        if (waiting.Length == 0)
            call.Line("accounts: none holds mail back");
        else
            Tables.Write(call.Terminal, Accounts, waiting);
    }

    public static string Head(Call call, JsonNode status)
    {
        var state =
            !Cell.Flag(status, "ready") ? "does not take mail"
            : Cell.Flag(status, "suspended") ? "takes mail; sending is suspended (mailproxy dispatcher activate)"
            : "takes and sends mail";
        var up = TimeSpan.FromSeconds(status["uptime_seconds"]?.GetValue<double>() ?? 0);
        return $"mailproxy {Cell.Text(status, "version")} at {call.Daemon.Address.Shown}: {state}; up {Age(up)}";
    }

    public static string Queue(JsonNode status)
    {
        var byStatus = (status["queue"]?["depth"] as JsonArray ?? [])
            .GroupBy(static one => Cell.Text(one, "status"))
            .Select(static group => $"{group.Key} {group.Sum(static one => Cell.Number(one, "count"))}");
        var oldest = Cell.Text(status, "queue.oldest_due_at") is { Length: > 0 } due ? $", the oldest due {due}" : "";
        var parts = string.Join(", ", byStatus);
        var total = Cell.Text(status, "queue.total") + (parts.Length == 0 ? "" : $" ({parts})");
        return $"queue: {total}, overdue {Cell.Text(status, "queue.overdue")}{oldest}";
    }

    public static string Disk(JsonNode status)
    {
        var store = Cell.Flag(status, "store.ok") ? "ok" : Cell.Text(status, "store.trouble");
        return $"store: {store}; disk: {Cell.Bytes(Cell.Number(status, "disk.free_bytes"))} free (nothing is taken below "
            + $"{Cell.Bytes(Cell.Number(status, "disk.floor_bytes"))})";
    }

    /// <summary>Accounts that hold mail back. That another node sends the mail of one holds nothing back.</summary>
    public static IEnumerable<JsonNode> Waiting(JsonNode status) =>
        (status["accounts"] as JsonArray ?? [])
            .Where(static one => Cell.Flag(one, "paused") || (one?["waiting_for"] is { } why && (string?)why["reason"] is not "other_node"))
            .Select(static one => one!);

    public static string Name(JsonNode account) =>
        Cell.Text(account, "tenant") is "default" or ""
            ? Cell.Text(account, "id")
            : $"{Cell.Text(account, "tenant")}/{Cell.Text(account, "id")}";

    private static string Age(TimeSpan age) =>
        age.TotalDays >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{(int)age.TotalDays} d {age.Hours} h")
        : age.TotalHours >= 1 ? $"{(int)age.TotalHours} h {age.Minutes} min"
        : age.TotalMinutes >= 1 ? $"{(int)age.TotalMinutes} min {age.Seconds} s"
        : $"{(int)age.TotalSeconds} s";
}
