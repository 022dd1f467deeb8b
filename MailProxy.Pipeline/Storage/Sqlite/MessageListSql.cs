using System.Text;
using MailProxy.Pipeline.Mail;

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
    private const string NotMarked = "NOT EXISTS (SELECT 1 FROM queue w WHERE w.message = m.number AND w.state = 1)";

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

    public static (string Name, object? Value)[] Parameters(MessageFilter filter) =>
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
                return (
                    "queue q INDEXED BY queue_unready CROSS JOIN messages m ON m.number = q.message",
                    "q.message",
                    "q.state = 1 AND q.state <> 0",
                    []
                );
            case MessageState.Queued:
                return (
                    "queue q NOT INDEXED CROSS JOIN messages m ON m.number = q.message",
                    "q.message",
                    "",
                    ["q.state IN (0, 3) AND m.state = @state"]
                );
            case not null and not MessageState.Sent:
                // The literal conditions let SQLite see that the partial index contains every such row.
                const string Notable = "m.state <> 0 AND m.state <> 10 AND m.state = @state";
                return filter.Tenant is null
                    ? ("messages m INDEXED BY messages_notable", "m.number", Notable, Unmarked(filter))
                    : ("messages m INDEXED BY messages_tenant_state", "m.number", "m.tenant = @tenant AND " + Notable, Unmarked(filter));
            default:
                if (filter.Tenant is null)
                    return ("messages m NOT INDEXED", "m.number", "", State(filter));
                return filter.Batch is null
                    ? ("messages m INDEXED BY messages_tenant", "m.number", "m.tenant = @tenant", State(filter))
                    : ("messages m INDEXED BY messages_batch", "m.number", "m.batch = @batch AND m.tenant = @tenant", State(filter));
        }
    }

    // The state "sending" is in the queue only; the message's own row still has the state from before.
    private static string[] State(MessageFilter filter) =>
        filter.Status switch
        {
            null => [],
            MessageState.Sending => ["EXISTS (SELECT 1 FROM queue w WHERE w.message = m.number AND w.state = 1)"],
            _ => ["m.state = @state", .. Unmarked(filter)],
        };

    private static string[] Unmarked(MessageFilter filter) =>
        filter.Status is MessageState.Queued or MessageState.Scheduled or MessageState.Deferred ? [NotMarked] : [];
}
