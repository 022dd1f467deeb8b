using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>How messages stand in tables.</summary>
internal static class MessageColumns
{
    public static readonly IReadOnlyList<Column> All =
    [
        new("id", "id"),
        new("status", "status"),
        new("account", static message => Cell.Text(message, "account") is { Length: > 0 } account ? account : Cell.Text(message, "pool")),
        new("to", Recipients),
        new("subject", "subject"),
        new("created", "created_at"),
        new("attempts", "attempts", isRight: true),
        new("waits for", "waiting_for.reason"),
    ];

    public static readonly IReadOnlyList<Column> Explained =
    [
        new("id", "id"),
        new("status", "status"),
        new("account", "route.account"),
        new("next attempt", "next_attempt_at"),
        new("why", "summary"),
    ];

    public static readonly IReadOnlyList<Column> OfRecipients =
    [
        new("recipient", "email"),
        new("status", "status"),
        new("code", static one => $"{Cell.Text(one, "smtp_code")} {Cell.Text(one, "enhanced_code")}".Trim()),
        new("reply", "reply"),
    ];

    private static string Recipients(JsonNode message) =>
        message["recipients"] is JsonArray { Count: > 0 } all
            ? Cell.Text(all[0], "email") + (all.Count > 1 ? $" (+{all.Count - 1})" : "")
            : "";
}
