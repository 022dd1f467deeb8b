using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>The facts that decide about a stored message: its rows, read inside the transaction that will change it.</summary>
/// <param name="State">Sending while an attempt is marked.</param>
/// <param name="Lane">Where it waits, or would wait when it is queued again.</param>
/// <param name="QueueDue">Null when the message is final.</param>
internal sealed record StoredMessage(
    long Number,
    MessageState State,
    int Revision,
    AccountKey Account,
    LaneKey Lane,
    int Attempts,
    long CreatedAt,
    byte[]? ContentHash,
    long? QueueDue,
    string? Spool,
    MessageFacts MessageFacts
)
{
    private const string Select = """
        SELECT m.number, m.state, m.revision, m.account, m.attempts, m.created_at, m.content_hash, m.send_at, m.expires_at,
            q.due, q.state, b.spool, b.message IS NOT NULL AND (b.json IS NOT NULL OR b.spool IS NOT NULL),
            EXISTS (SELECT 1 FROM recipients r WHERE r.message = m.number AND r.state = 10),
            EXISTS (SELECT 1 FROM recipients r WHERE r.message = m.number AND r.state = 13),
            EXISTS (SELECT 1 FROM recipients r WHERE r.message = m.number AND r.state = 2), q.lane
        FROM messages m LEFT JOIN queue q ON q.message = m.number LEFT JOIN bodies b ON b.message = m.number
        """;

    private const string ByName = Select + " WHERE m.tenant = ?1 AND m.id = ?2";
    private const string ByNumber = Select + " WHERE m.number = ?1";

    public static StoredMessage? Find(Session session, MessageKey key) => Read(session.Prepare(ByName).Add(key.Tenant).Add(key.Id));

    public static StoredMessage? Find(Session session, long number) => Read(session.Prepare(ByNumber).Add(number));

    private static StoredMessage? Read(Statement row)
    {
        if (!row.Step())
            return null;
        var state = row.IntOrNull(10) == QueueRows.Sending ? MessageState.Sending : (MessageState)row.Int(1);
        var account = new AccountKey(row.Int(3));
        var stored = new StoredMessage(
            row.Long(0),
            state,
            row.Int(2),
            account,
            row.IntOrNull(16) is { } lane ? new(lane) : Lanes.Of(account),
            row.Int(4),
            row.Long(5),
            row.BlobOrNull(6),
            row.LongOrNull(9),
            row.TextOrNull(11),
            new(
                state,
                Accepted: row.Int(13) != 0,
                Ambiguous: row.Int(14) != 0,
                InDoubt: row.Int(15) != 0,
                BodyKept: row.Int(12) != 0,
                row.LongOrNull(7),
                row.Long(8)
            )
        );
        row.Reset();
        return stored;
    }
}
