using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>What decides about a stored message: its rows, read inside the transaction that will change it.</summary>
/// <param name="QueueDue">Null when it is final.</param>
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
    int? QueueAttempt,
    string? Spool,
    MessageFacts MessageFacts
)
{
    private const string Select = """
        SELECT m.number, m.state, m.revision, m.account, m.attempts, m.created_at, m.content_hash, m.send_at, m.expires_at,
            q.due, q.state, q.attempt, b.spool, b.message IS NOT NULL AND (b.json IS NOT NULL OR b.spool IS NOT NULL),
            EXISTS (SELECT 1 FROM recipients r WHERE r.message = m.number AND r.state = 10),
            EXISTS (SELECT 1 FROM recipients r WHERE r.message = m.number AND r.state = 13),
            EXISTS (SELECT 1 FROM recipients r WHERE r.message = m.number AND r.state = 2), q.lane, m.pool
        FROM messages m LEFT JOIN queue q ON q.message = m.number LEFT JOIN bodies b ON b.message = m.number
        """;

    private const string ByName = Select + " WHERE m.tenant = ?1 AND m.id = ?2";
    private const string ByNumber = Select + " WHERE m.number = ?1";

    /// <summary>As it stands while the body of an attempt is on its way.</summary>
    public StoredMessage AsSending() =>
        this with
        {
            State = MessageState.Sending,
            MessageFacts = MessageFacts with { State = MessageState.Sending },
        };

    /// <summary>Whether the body of its present attempt has begun.</summary>
    public bool HasBegun(Session session, Claims claims) =>
        QueueAttempt is { } attempt && claims.HasBegun(session, Number, Revision, attempt);

    /// <summary>Takes its ticket back, before a change. False: its body has begun.</summary>
    public bool TryWithdraw(Claims claims) => QueueAttempt is not { } attempt || claims.TryWithdraw(Number, Revision, attempt);

    public static StoredMessage? Find(Session session, MessageKey key) => Read(session.Prepare(ByName).Add(key.Tenant).Add(key.Id));

    public static StoredMessage? Find(Session session, long number) => Read(session.Prepare(ByNumber).Add(number));

    private static StoredMessage? Read(Statement row)
    {
        if (!row.Step())
            return null;
        var state = (MessageState)row.Int(1);
        var account = new AccountKey(row.Int(3));
        var stored = new StoredMessage(
            row.Long(0),
            state,
            row.Int(2),
            account,
            row.IntOrNull(17) is { } lane ? new(lane)
                : row.IntOrNull(18) is { } pool ? Lanes.Of(new PoolKey(pool))
                : Lanes.Of(account),
            row.Int(4),
            row.Long(5),
            row.BlobOrNull(6),
            row.LongOrNull(9),
            row.IntOrNull(11),
            row.TextOrNull(12),
            new(
                state,
                Accepted: row.Int(14) != 0,
                Ambiguous: row.Int(15) != 0,
                InDoubt: row.Int(16) != 0,
                BodyKept: row.Int(13) != 0,
                row.LongOrNull(7),
                row.Long(8)
            )
        );
        row.Reset();
        return stored;
    }
}
