using System.Text;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Search;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// The statement that walks the messages by arrival number, newest first, and tells for each whether it matches the filter. The driving
/// index
/// is chosen here and not by SQLite, which keeps no statistics: the rows must come in the order of the numbers without a sort, and start
/// at
/// the page without an OFFSET. The reader counts the rows that do not match, so that a page never reads more than its share of the store.
/// </summary>
internal sealed class MessageListSql
{
    private readonly MessageFilter _filter;
    private readonly List<object?> _values = [];

    // The attempts whose bodies have begun; only those that are still open count.
    private readonly string _begun;

    /// <param name="begun">The attempts whose bodies have begun.</param>
    /// <param name="before">Numbers below this one are read.</param>
    /// <param name="scanned">So many at most.</param>
    public MessageListSql(MessageFilter filter, IReadOnlyList<TicketName> begun, long before, int scanned)
    {
        _filter = filter;
        _begun = AsksForBegun
            ? $"SELECT w.column1 FROM ({Rows(begun)}) w CROSS JOIN queue o ON o.message = w.column1 AND o.attempt = w.column2"
            : "";
        var (from, number, drives, wanted) = Source(before, scanned) ?? Driver();
        var terms = new List<string>(wanted);
        if (filter.Tenant is not null && !drives.Contains("m.tenant = ", StringComparison.Ordinal))
            terms.Add(Is("m.tenant", filter.Tenant));
        if (filter.Account is not null)
            terms.Add(Is("m.account", filter.Account.Value.Number));
        if (filter.Pool is not null)
            terms.Add(Is("m.pool", filter.Pool.Value.Number));
        if (filter.Batch is not null && !drives.Contains("m.batch = ", StringComparison.Ordinal))
            terms.Add(Is("m.batch", filter.Batch));
        if (filter.Priority is not null)
            terms.Add(Is("m.priority", (long)filter.Priority));
        if (filter.CreatedAfter is not null)
            terms.Add($"m.created_at >= {Value(filter.CreatedAfter)}");
        if (filter.CreatedBefore is not null)
            terms.Add($"m.created_at < {Value(filter.CreatedBefore)}");
        var conditions = new MessageTermSql(Value, _begun);
        if (filter.Tag is not null)
            terms.Add(conditions.Tagged(filter.Tag));
        terms.AddRange(filter.Terms.Select(conditions.Of));

        var wants = terms.Count == 0 ? "true" : string.Join(" AND ", terms);
        var sql = new StringBuilder($"SELECT {number}, {wants}, m.state FROM {from} WHERE {number} < {Value(before)}");
        if (drives.Length > 0)
            sql.Append(" AND ").Append(drives);
        Text = sql.Append($" ORDER BY {number} DESC LIMIT {Value(scanned)}").ToString();
    }

    /// <summary>The statement. Columns: the number, whether it matches, and the state that is stored.</summary>
    public string Text { get; }

    /// <summary>Its parameters in order.</summary>
    public object?[] Values => [.. _values];

    private string Value(object value)
    {
        _values.Add(value);
        return $"?{_values.Count}";
    }

    private string Is(string column, object value) => $"{column} = {Value(value)}";

    // Messages that an index names, because an id, an address or a Message-ID is asked for.
    private (string From, string Number, string Drives, string[] Wanted)? Source(long before, int scanned)
    {
        if (_filter.To is not null)
            return null;
        var sources = new NumberSources(Value, _filter.Tenant, before, scanned);
        return _filter.Terms.Select(sources.Of).FirstOrDefault(static one => one is not null) is { } source
            ? ("messages m NOT INDEXED", "m.number", $"m.number IN ({source})", State())
            : null;
    }

    // Drives: the conditions that the index itself applies; rows that do not meet them are never read.
    private (string From, string Number, string Drives, string[] Wanted) Driver()
    {
        var (tenant, batch) = (_filter.Tenant, _filter.Batch);
        if (_filter.To is not null)
        {
            return (
                "recipients r INDEXED BY recipients_address CROSS JOIN messages m ON m.number = r.message",
                "r.message",
                Is("r.address", _filter.To) + " COLLATE NOCASE",
                State()
            );
        }

        switch (_filter.Status)
        {
            case MessageState.Sending:
                return ("messages m NOT INDEXED", "m.number", $"m.number IN ({_begun})", []);
            case MessageState.Queued when batch is null || tenant is null:
                return (
                    "queue q NOT INDEXED CROSS JOIN messages m ON m.number = q.message",
                    "q.message",
                    "",
                    ["q.state IN (0, 3) AND " + IsState(), .. NotBegun]
                );
            case not null and not MessageState.Sent and not MessageState.Queued:
                // The literal conditions let SQLite see that the partial index contains every such row.
                var notable = "m.state <> 0 AND m.state <> 10 AND " + IsState();
                return tenant is null
                    ? ("messages m INDEXED BY messages_notable", "m.number", notable, NotBegun)
                    : ("messages m INDEXED BY messages_tenant_state", "m.number", $"{Is("m.tenant", tenant)} AND {notable}", NotBegun);
            default:
                if (tenant is null)
                    return ("messages m NOT INDEXED", "m.number", "", State());
                return batch is null
                    ? ("messages m INDEXED BY messages_tenant", "m.number", Is("m.tenant", tenant), State())
                    : ("messages m INDEXED BY messages_batch", "m.number", $"{Is("m.batch", batch)} AND {Is("m.tenant", tenant)}", State());
        }
    }

    // "Sending" stands in no row: the message's own state is still the one from before.
    private string[] State() =>
        _filter.Status switch
        {
            null => [],
            MessageState.Sending => [$"m.number IN ({_begun})"],
            _ => [IsState(), .. NotBegun],
        };

    private string IsState() => Is("m.state", (long)_filter.Status!.Value);

    private string[] NotBegun => AsksForBegun ? [$"m.number NOT IN ({_begun})"] : [];

    private bool AsksForBegun =>
        _filter.Status is MessageState.Sending or MessageState.Queued or MessageState.Scheduled or MessageState.Deferred
        || _filter.Terms.Any(static term => term is MessageTerm.InState);

    // Numbers only.
    private static string Rows(IReadOnlyList<TicketName> begun) =>
        begun.Count == 0
            ? "SELECT 0 AS column1, 0 AS column2 WHERE false"
            : $"VALUES {string.Join(',', begun.Select(static ticket => $"({ticket.Message},{ticket.Attempt})"))}";
}
