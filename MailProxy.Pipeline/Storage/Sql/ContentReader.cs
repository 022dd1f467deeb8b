using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Loads a mail for one attempt, by point reads in one snapshot.</summary>
internal static class ContentReader
{
    // The plus keeps the planner from using a partial index because of the value bound to ?4, since the statement would then be prepared
    // again
    // for every mail.
    private const string Select = """
        SELECT m.tenant, m.id, m.envelope_sender, m.message_id_header, m.created_at, m.on_ambiguous, m.attempts, m.possible_duplicate,
        m.expires_at, q.round, m.state, m.send_at, m.account, m.pool
        FROM queue q JOIN messages m ON m.number = q.message
        WHERE q.message = ?1 AND q.revision = ?2 AND q.attempt = ?3 AND (+q.state = ?4 OR ?4 IS NULL)
        """;

    private const string SmallSql = """
        SELECT m.tenant, m.id, m.envelope_sender, m.message_id_header, m.created_at, m.on_ambiguous, m.attempts, m.possible_duplicate,
        m.expires_at, q.round, m.state, m.send_at, m.account, m.pool, b.json, b.sources
        FROM queue q CROSS JOIN messages m ON m.number = q.message CROSS JOIN bodies b ON b.message = q.message
        WHERE q.message = ?1 AND q.revision = ?2 AND q.attempt = ?3 AND +q.state = 0 AND length(b.json) <= ?4
        """;

    private const string Body = "SELECT json, spool, sources FROM bodies WHERE message = ?1";

    /// <summary>Null when the ticket is stale. If the body is in a spool file, it is left empty and the file's name is returned.</summary>
    public static (MailContent Content, string? Spool)? Load(Session session, QueuedMail ticket, int maxRecipients)
    {
        if (Read(session, ticket, QueueRows.Ready, maxRecipients) is not { } content)
            return null;
        if (content.Slice.Count == 0)
            throw new BodyMissingException("The store has no recipient of the message that is still to be tried.", content);
        var body = session.Prepare(Body).Add(ticket.Id);
        if (!body.Step())
            throw Missing(content);
        var (json, spool, sources) = (body.BlobOrNull(0), body.TextOrNull(1), body.Int(2));
        body.Reset();
        return json is null && spool is null ? throw Missing(content) : (content with { Json = json, Sources = sources }, spool);
    }

    /// <summary>Of each null when the ticket is stale, or the body is larger, missing, or in a file.</summary>
    public static MailContent?[] Small(Session session, IReadOnlyList<LoadRequest> wanted, int maxBytes) =>
        session.IsRemote ? Together(session, wanted, maxBytes) : [.. wanted.Select(one => Small(session, one, maxBytes))];

    private static MailContent? Small(Session session, LoadRequest wanted, int maxBytes)
    {
        var ticket = wanted.Ticket;
        var row = session.Prepare(SmallSql).Add(ticket.Id).Add(ticket.Revision).Add(ticket.Attempt).Add(maxBytes);
        if (!row.Step())
            return null;
        var bare = Bare(row) with { Json = row.Blob(14), Sources = row.Int(15) };
        row.Reset();
        return Triable(With(session, bare, ticket, RecipientRows.OfMessage(session, ticket.Id), wanted.MaxRecipients));
    }

    // Else it is read by itself, and says what is wrong.
    private static MailContent? Triable(MailContent content) => content.Slice.Count > 0 ? content : null;

    private static MailContent?[] Together(Session session, IReadOnlyList<LoadRequest> wanted, int maxBytes)
    {
        var contents = new MailContent?[wanted.Count];
        var recipients = new List<StoredRecipient>[wanted.Count];
        session.AskEach(
            SmallSql,
            [.. Enumerable.Range(0, wanted.Count)],
            (ask, at) => ask.Add(wanted[at].Ticket.Id).Add(wanted[at].Ticket.Revision).Add(wanted[at].Ticket.Attempt).Add(maxBytes),
            (at, row) => contents[at] = row is null ? null : Bare(row) with { Json = row.Blob(14), Sources = row.Int(15) }
        );
        session.AskRows(
            RecipientRows.Rounds,
            [.. Enumerable.Range(0, wanted.Count).Where(at => contents[at] is not null)],
            (ask, at) => ask.Add(wanted[at].Ticket.Id),
            (at, row) => (recipients[at] ??= []).Add(RecipientRows.Stored(row))
        );
        for (var i = 0; i < contents.Length; i++)
        {
            if (contents[i] is { } bare)
                contents[i] = Triable(With(session, bare, wanted[i].Ticket, recipients[i] ?? [], wanted[i].MaxRecipients));
        }

        return contents;
    }

    private static BodyMissingException Missing(MailContent content) => new("The message's body is not in the store.", content);

    /// <summary>Without the body: whoever settles what a crash left open does not read it.</summary>
    /// <param name="state">What the queue must say of the ticket; null: whatever it says.</param>
    public static MailContent? Read(Session session, QueuedMail ticket, int? state, int maxRecipients)
    {
        var row = session.Prepare(Select).Add(ticket.Id).Add(ticket.Revision).Add(ticket.Attempt).Add((long?)state);
        if (!row.Step())
            return null;
        var bare = Bare(row);
        row.Reset();
        return With(session, bare, ticket, RecipientRows.OfMessage(session, ticket.Id), maxRecipients);
    }

    private static MailContent With(
        Session session,
        MailContent bare,
        QueuedMail ticket,
        IReadOnlyList<StoredRecipient> recipients,
        int maxRecipients
    )
    {
        var (slice, others) = RecipientRows.Slice(recipients, bare.Standing, maxRecipients);

        // The event that ends a round lists every recipient tried in it; with a single slice there are no others.
        var isLast = others is { Rest: 0 } and not { Deferred: 0, Sent: 0, Failed: 0, Ambiguous: 0 };
        return bare with
        {
            Slice = slice,
            Standing = others,
            Earlier = isLast ? RecipientRows.OfRound(session, ticket.Id, others.Round) : [],
        };
    }

    // Without recipients.
    private static MailContent Bare(Statement row) =>
        new()
        {
            Key = new(row.Text(0), row.Text(1)),
            Account = new(row.Int(12)),
            Pool = row.IntOrNull(13) is { } pool ? new(pool) : null,
            EnvelopeSender = row.Text(2),
            MessageIdHeader = row.Text(3),
            CreatedAt = row.Long(4),
            OnAmbiguous = (AmbiguousPolicy)row.Int(5),
            Json = default,
            Slice = [],
            Standing = default(MailStanding) with
            {
                Round = row.Int(9),
                Attempts = row.Int(6),
                PossibleDuplicate = row.Int(7) != 0,
                ExpiresAt = row.Long(8),
            },
            State = (MessageState)row.Int(10),
            SendAt = row.LongOrNull(11),
        };
}
