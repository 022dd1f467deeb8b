using System.Text;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// The statement that finds one page of arrival numbers, newest first. What drives it is chosen here and not by SQLite, which keeps no statistics:
/// it must come out in the order of the numbers without a sort, and start at the page without an OFFSET.
/// </summary>
internal static class MessageListSql
{
    private const string NotMarked = "NOT EXISTS (SELECT 1 FROM queue w WHERE w.message = m.number AND w.state = 1)";

    /// <summary>Takes <see cref="Parameters"/>, <c>@before</c> and <c>@limit</c>.</summary>
    public static string Page(MessageFilter filter)
    {
        var (from, number, where) = Driver(filter);
        var sql = new StringBuilder($"SELECT {(filter.To is null ? "" : "DISTINCT ")}{number} FROM {from} WHERE {number} < @before");
        foreach (var term in where) sql.Append(" AND ").Append(term);

        if (filter.Tenant is not null) sql.Append(" AND m.tenant = @tenant");
        if (filter.Account is not null) sql.Append(" AND m.account = @account");
        if (filter.Batch is not null) sql.Append(" AND m.batch = @batch");
        if (filter.Priority is not null) sql.Append(" AND m.priority = @priority");
        if (filter.CreatedAfter is not null) sql.Append(" AND m.created_at >= @after");
        if (filter.CreatedBefore is not null) sql.Append(" AND m.created_at < @until");
        if (filter.Tag is not null) sql.Append(" AND m.tags IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(m.tags) t WHERE t.value = @tag)");
        return sql.Append($" ORDER BY {number} DESC LIMIT @limit").ToString();
    }

    public static (string Name, object? Value)[] Parameters(MessageFilter filter) => [.. new (string Name, object? Value)[]
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
    }.Where(p => p.Value is not null)];

    private static (string From, string Number, string[] Where) Driver(MessageFilter filter)
    {
        if (filter.To is not null)
            return ("recipients r INDEXED BY recipients_address CROSS JOIN messages m ON m.number = r.message", "r.message", ["r.address = @to COLLATE NOCASE", .. State(filter)]);

        switch (filter.Status)
        {
            case MessageState.Sending:
                return ("queue q INDEXED BY queue_unready CROSS JOIN messages m ON m.number = q.message", "q.message", ["q.state = 1 AND q.state <> 0"]);
            case MessageState.Queued:
                return ("queue q NOT INDEXED CROSS JOIN messages m ON m.number = q.message", "q.message", ["q.state IN (0, 3) AND m.state = @state"]);
            case not null and not MessageState.Sent:
                // The literal terms let SQLite see that the partial index has every such row.
                return ("messages m INDEXED BY messages_notable", "m.number", ["m.state <> 0 AND m.state <> 10", .. State(filter)]);
            default:
                var from = filter.Batch is not null && filter.Tenant is not null ? "messages m INDEXED BY messages_batch" : "messages m NOT INDEXED";
                return (from, "m.number", State(filter));
        }
    }

    // "Sending" stands in the queue only: the message's own state is still what it was before.
    private static string[] State(MessageFilter filter) => filter.Status switch
    {
        null => [],
        MessageState.Sending => ["EXISTS (SELECT 1 FROM queue w WHERE w.message = m.number AND w.state = 1)"],
        MessageState.Queued or MessageState.Scheduled or MessageState.Deferred => ["m.state = @state", NotMarked],
        _ => ["m.state = @state"],
    };
}
