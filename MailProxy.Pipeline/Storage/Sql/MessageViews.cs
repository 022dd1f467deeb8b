using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>A message as the API shows it, from its row, its queue row and its recipients.</summary>
internal static class MessageViews
{
    private const string Number = "SELECT number FROM messages WHERE tenant = ?1 AND id = ?2";

    private const string OfAny =
        "SELECT number FROM (SELECT t.id AS own FROM tenants t) t CROSS JOIN messages m ON m.tenant = t.own AND m.id = ?1 LIMIT 1";

    private const string Message = """
        SELECT m.number, m.tenant, m.id, m.state, m.revision, m.account, m.priority, m.envelope_sender, m.subject, m.created_at, m.send_at,
               m.expires_at, m.attempts, m.hold_reason, m.possible_duplicate, m.message_id_header, m.batch, m.tags, m.metadata,
               m.on_ambiguous,
               q.state, q.due, q.attempt, m.pool, q.lane, q.not_by, q.destination
        FROM messages m LEFT JOIN queue q ON q.message = m.number
        WHERE m.number = ?1
        """;

    private const string LastDetail = "SELECT detail FROM events WHERE message = ?1 ORDER BY sequence DESC LIMIT 1";

    public static long? Find(Session session, MessageKey key) => session.Prepare(Number).Add(key.Tenant).Add(key.Id).Scalar();

    /// <summary>Whether a tenant, null: any, has a message of this id.</summary>
    public static bool IsKnown(Session session, string? tenant, string id) =>
        tenant is null ? session.Prepare(OfAny).Add(id).Scalar() is not null : Find(session, new(tenant, id)) is not null;

    public static MessageView? View(Session session, Claims claims, long number)
    {
        var row = session.Prepare(Message).Add(number);
        if (!row.Step())
            return null;

        var stored = (MessageState)row.Int(3);
        var begun = row.IntOrNull(22) is { } attempt && claims.HasBegun(session, number, row.Int(4), attempt);
        var state = begun ? MessageState.Sending : stored;
        var due = row.LongOrNull(21);
        var forDestination = row.IntOrNull(26) == 1;
        var view = new MessageView(
            Number: row.Long(0),
            Key: new(row.Text(1), row.Text(2)),
            State: state,
            Revision: row.Int(4),
            Account: new(row.Int(5)),
            Priority: (Priority)row.Int(6),
            EnvelopeSender: row.Text(7),
            Subject: row.TextOrNull(8),
            CreatedAt: row.Long(9),
            SendAt: row.LongOrNull(10),
            ExpiresAt: row.Long(11),
            NextAttemptAt: (forDestination || state is MessageState.Scheduled or MessageState.Deferred) && due > 0 ? due : null,
            Attempts: row.Int(12),
            HoldReason: row.TextOrNull(13),
            PossibleDuplicate: row.Int(14) != 0,
            MessageIdHeader: row.Text(15),
            Batch: row.TextOrNull(16),
            Tags: row.TextOrNull(17),
            Metadata: row.TextOrNull(18),
            OnAmbiguous: (AmbiguousPolicy)row.Int(19),
            Recipients: []
        )
        {
            BatchSuspended = row.IntOrNull(20) == QueueRows.Aside,
            Pool = row.IntOrNull(23) is { } pool ? new(pool) : null,
            WaitsIn = row.IntOrNull(24) is { } lane ? new(lane) : null,
            NotBy = row.TextOrNull(25),
            ForDestination = forDestination,
        };
        row.Reset();
        return view with
        {
            Recipients = RecipientRows.Read(session, number),
            Reason = state == MessageState.Deferred ? LastReason(session, number) : null,
        };
    }

    // Trouble of our own or of a source is not a recipient's reply, so only the event that deferred the message has it.
    private static string? LastReason(Session session, long number)
    {
        var row = session.Prepare(LastDetail).Add(number);
        var detail = row.Step() ? row.BlobOrNull(0) : null;
        row.Reset();
        return detail is null ? null : EventDetail.Reason(detail);
    }
}
