using MailProxy.Pipeline.Search;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Queries that answer the numbers of the messages which a condition may hold for, each from an index: newest first, below a number, and
/// so many at most as one page reads.
/// </summary>
/// <param name="value">Adds a parameter and tells its name.</param>
/// <param name="tenant">Null: of all tenants.</param>
internal sealed class NumberSources(Func<object, string> value, string? tenant, long before, int most)
{
    /// <summary>A word that is looked for among addresses and Message-IDs, which are indexed, and not in subjects.</summary>
    public static bool IsAddress(string word) => word.Contains('@', StringComparison.Ordinal);

    /// <summary>A Message-ID as it stands in the header.</summary>
    public static string Header(string messageId) => messageId.StartsWith('<') ? messageId : $"<{messageId}>";

    /// <summary>Null: no index knows which messages the condition holds for.</summary>
    public string? Of(MessageTerm term) =>
        term switch
        {
            { Not: true } => null,
            MessageTerm.Id id => Id(id.Value),
            MessageTerm.MessageId id => MessageId(id.Header),
            MessageTerm.Recipient to => Recipient(to.Address),
            MessageTerm.Word { Text: var text } when IsAddress(text) =>
                $"{Id(text)} UNION {MessageId(Header(text))} UNION {Recipient(text)}",
            _ => null,
        };

    private string Id(string id) =>
        tenant is null
            ? $"SELECT i.number FROM (SELECT id AS own FROM tenants) t CROSS JOIN messages i ON i.tenant = own AND i.id = {value(id)}"
            : $"SELECT i.number FROM messages i WHERE i.tenant = {value(tenant)} AND i.id = {value(id)}";

    // One that was made here from an id that was made here stands in no index of its own, and is found by that id.
    private string MessageId(string header)
    {
        var mine = tenant is null ? "" : $" AND tenant = {value(tenant)}";
        var indexed = Newest(
            "number",
            $"messages INDEXED BY messages_message_id WHERE message_id_header = {value(header)} AND NOT ({MessageIdSearch.Made}){mine}"
        );
        return header.IndexOf('@', StringComparison.Ordinal) is > 1 and var at ? $"{indexed} UNION {Id(header[1..at])}" : indexed;
    }

    private string Recipient(string address) =>
        Newest("message", $"recipients INDEXED BY recipients_address WHERE address = {value(address)} COLLATE NOCASE");

    private string Newest(string number, string from) =>
        $"SELECT * FROM (SELECT {number} FROM {from} AND {number} < {value(before)} ORDER BY {number} DESC LIMIT {value((long)most)}) n";
}
