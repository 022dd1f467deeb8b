namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Finds messages by their Message-ID header. One that was made here from an id that was made here is found by that id, and stands in no
/// index of its own; every other one stands in <c>messages_message_id</c>.
/// </summary>
internal static class MessageIdSearch
{
    // As the index says it, word for word: SQLite compares the terms.
    internal const string Made = "substr(message_id_header, 2, length(id) + 1) = id || '@' AND instr(id, '@') = 0";

    private const string InIndex =
        "SELECT number FROM messages INDEXED BY messages_message_id WHERE message_id_header = ?1 AND NOT (" + Made + ")";

    // Others may send any number of messages with the same Message-ID: a tenant's own are found without looking at those.
    internal const string Indexed = InIndex + " AND tenant = ?2 AND number < ?3 ORDER BY number DESC LIMIT ?4";

    internal const string IndexedOfAny = InIndex + " AND number < ?2 ORDER BY number DESC LIMIT ?3";

    internal const string ById =
        "SELECT number FROM messages WHERE tenant = ?1 AND id = ?2 AND message_id_header = ?3 AND " + Made + " AND number < ?4";

    internal const string ByIdOfAny =
        "SELECT number FROM (SELECT id AS tenant_id FROM tenants) t CROSS JOIN messages m ON tenant = tenant_id AND id = ?1"
        + " WHERE message_id_header = ?2 AND "
        + Made
        + " AND number < ?3 ORDER BY number DESC LIMIT ?4";

    public static MessagePage Read(Session session, Claims claims, string? tenant, string messageId, int limit, long? before)
    {
        var below = before ?? long.MaxValue;
        var numbers = new List<long>();
        Take(
            tenant is null
                ? session.Prepare(IndexedOfAny).Add(messageId).Add(below).Add(limit + 1)
                : session.Prepare(Indexed).Add(messageId).Add(tenant).Add(below).Add(limit + 1)
        );
        if (messageId.IndexOf('@', StringComparison.Ordinal) is > 1 and var at)
        {
            var id = messageId[1..at];
            Take(
                tenant is null
                    ? session.Prepare(ByIdOfAny).Add(id).Add(messageId).Add(below).Add(limit + 1)
                    : session.Prepare(ById).Add(tenant).Add(id).Add(messageId).Add(below)
            );
        }

        numbers.Sort(static (one, other) => other.CompareTo(one));
        List<MessageView> views =
        [
            .. numbers.Take(limit).Select(number => MessageViews.View(session, claims, number)).OfType<MessageView>(),
        ];
        return new(views, numbers.Count > limit ? numbers[limit - 1] : null);

        void Take(Statement row)
        {
            while (row.Step())
                numbers.Add(row.Long(0));
            row.Reset();
        }
    }
}
