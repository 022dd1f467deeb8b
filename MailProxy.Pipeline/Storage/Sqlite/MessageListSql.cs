using System.Text;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sqlite.Flight;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// The statement that walks the messages by arrival number, newest first, and tells for each whether it matches the filter. The driving
/// index
/// is chosen here and not by SQLite, which keeps no statistics: the rows must come in the order of the numbers without a sort, and start
/// at
/// the page without an OFFSET. The reader counts the rows that do not match, so that a page never reads more than its share of the store.
/// </summary>
internal static class MessageListSql
{
    // The attempts whose bodies have begun, [message, attempt] each: only those that are still open count.
    private const string Begun =
        "SELECT w.message FROM (SELECT value ->> 0 AS message, value ->> 1 AS attempt FROM json_each(@begun)) w "
        + "CROSS JOIN queue o ON o.message = w.message AND o.attempt = w.attempt";

    /// <summary>Columns: the number, and whether it matches. Takes <see cref="Parameters"/>, <c>@before</c> and <c>@scan</c>.</summary>
    public static string Page(MessageFilter filter)
    {
        var (from, number, drives, wanted) = Driver(filter);
        var terms = new List<string>(wanted);
        if (filter.Tenant is not null && !drives.Contains("m.tenant = @tenant", StringComparison.Ordinal))
            terms.Add("m.tenant = @tenant");
        if (filter.Account is not null)
            terms.Add("m.account = @account");
        if (filter.Batch is not null && !drives.Contains("m.batch = @batch", StringComparison.Ordinal))
            terms.Add("m.batch = @batch");
        if (filter.Priority is not null)
            terms.Add("m.priority = @priority");
        if (filter.CreatedAfter is not null)
            terms.Add("m.created_at >= @after");
        if (filter.CreatedBefore is not null)
            terms.Add("m.created_at < @until");
        if (filter.Tag is not null)
            terms.Add("m.tags IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(m.tags) t WHERE t.value = @tag)");

        var wants = terms.Count == 0 ? "1" : string.Join(" AND ", terms);
        var sql = new StringBuilder($"SELECT {number}, {wants} FROM {from} WHERE {number} < @before");
        if (drives.Length > 0)
            sql.Append(" AND ").Append(drives);
        return sql.Append($" ORDER BY {number} DESC LIMIT @scan").ToString();
    }

    /// <param name="begun">The attempts whose bodies have begun.</param>
    public static (string Name, object? Value)[] Parameters(MessageFilter filter, IReadOnlyList<TicketName> begun) =>
        [
            .. new (string Name, object? Value)[]
            {
                ("@tenant", filter.Tenant),
                ("@state", filter.Status is MessageState.Sending ? null : (long?)filter.Status),
                ("@account", filter.Account?.Number),
                ("@batch", filter.Batch),
                ("@tag", filter.Tag),
                ("@to", filter.To),
                ("@priority", (long?)filter.Priority),
                ("@after", filter.CreatedAfter),
                ("@until", filter.CreatedBefore),
                ("@begun", AsksForBegun(filter) ? Json(begun) : null),
            }.Where(p => p.Value is not null),
        ];

    // Drives: the conditions that the index itself applies; rows that do not meet them are never read.
    private static (string From, string Number, string Drives, string[] Wanted) Driver(MessageFilter filter)
    {
        if (filter.To is not null)
        {
            return (
                "recipients r INDEXED BY recipients_address CROSS JOIN messages m ON m.number = r.message",
                "r.message",
                "r.address = @to COLLATE NOCASE",
                State(filter)
            );
        }

        switch (filter.Status)
        {
            case MessageState.Sending:
                return ($"({Begun}) b CROSS JOIN messages m ON m.number = b.message", "m.number", "", []);
            case MessageState.Queued:
                return (
                    "queue q NOT INDEXED CROSS JOIN messages m ON m.number = q.message",
                    "q.message",
                    "",
                    ["q.state IN (0, 3) AND m.state = @state", .. NotBegun(filter)]
                );
            case not null and not MessageState.Sent:
                // The literal conditions let SQLite see that the partial index contains every such row.
                const string Notable = "m.state <> 0 AND m.state <> 10 AND m.state = @state";
                return filter.Tenant is null
                    ? ("messages m INDEXED BY messages_notable", "m.number", Notable, NotBegun(filter))
                    : ("messages m INDEXED BY messages_tenant_state", "m.number", "m.tenant = @tenant AND " + Notable, NotBegun(filter));
            default:
                if (filter.Tenant is null)
                    return ("messages m NOT INDEXED", "m.number", "", State(filter));
                return filter.Batch is null
                    ? ("messages m INDEXED BY messages_tenant", "m.number", "m.tenant = @tenant", State(filter))
                    : ("messages m INDEXED BY messages_batch", "m.number", "m.batch = @batch AND m.tenant = @tenant", State(filter));
        }
    }

    // "Sending" stands in no row: the message's own state is still what it was before.
    private static string[] State(MessageFilter filter) =>
        filter.Status switch
        {
            null => [],
            MessageState.Sending => [$"m.number IN ({Begun})"],
            _ => ["m.state = @state", .. NotBegun(filter)],
        };

    private static string[] NotBegun(MessageFilter filter) => AsksForBegun(filter) ? [$"m.number NOT IN ({Begun})"] : [];

    private static bool AsksForBegun(MessageFilter filter) =>
        filter.Status is MessageState.Sending or MessageState.Queued or MessageState.Scheduled or MessageState.Deferred;

    private static string Json(IReadOnlyList<TicketName> begun) =>
        $"[{string.Join(',', begun.Select(static ticket => $"[{ticket.Message},{ticket.Attempt}]"))}]";
}
