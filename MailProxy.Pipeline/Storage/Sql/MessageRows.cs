using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Writes accepted mail: the message, its body and its recipients.</summary>
internal static class MessageRows
{
    private const string InsertNew = """
        INSERT INTO messages (number, tenant, id, revision, state, account, priority, sequence, envelope_sender, subject, message_id_header,
            created_at, send_at, expires_at, on_ambiguous, batch, tags, metadata, content_hash, pool)
        VALUES (?19, ?1, ?2, 1, ?3, ?4, ?5, ?18, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
        """;

    // DO NOTHING detects a known id without a look-up, since nearly every id is new.
    private const string InsertSql = $"{InsertNew} ON CONFLICT (tenant, id) DO NOTHING";

    // A hold survives a replacement, but doubt concerned the old content.
    private const string ReplaceSql = """
        UPDATE messages SET revision = ?2, state = ?3, account = ?4, priority = ?5, attempts = 0, envelope_sender = ?6, subject = ?7,
            message_id_header = ?8, created_at = ?9, send_at = ?10, expires_at = ?11, on_ambiguous = ?12, possible_duplicate = 0,
            hold_reason = CASE WHEN ?3 = 2 THEN 'manual' END, batch = ?13, tags = ?14, metadata = ?15, content_hash = ?16,
            pool = ?17
        WHERE number = ?1
        """;

    private const string Body = """
        INSERT INTO bodies (message, json, spool, size, sources) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (message) DO UPDATE SET json = excluded.json, spool = excluded.spool, size = excluded.size, sources = excluded.sources
        """;
    private const string Recipient = "INSERT INTO recipients (message, ordinal, address, state) VALUES (?1, ?2, ?3, 0)";
    private const string ClearRecipients = "DELETE FROM recipients WHERE message = ?1";
    private const string ReadBody = "SELECT json FROM bodies WHERE message = ?1";

    /// <summary>Returns the new message's number; null when the id is known.</summary>
    /// <param name="known">All ids that are known, of which the new one becomes one; null: whether it is the insert finds out.</param>
    /// <param name="sequence">Of the event that the caller appends.</param>
    public static long? TryInsert(
        Session session,
        NumberLine numbers,
        AcceptedMail mail,
        MessageState state,
        HashSet<MessageKey>? known = null,
        int sequence = 1
    )
    {
        if (
            (
                known is null
                    ? TryInsertBare(session, numbers, mail, state, sequence)
                    : Insert(session, numbers, mail, state, sequence, known)
            )
            is not { } number
        )
            return null;
        AddParts(session, number, mail);
        return number;
    }

    /// <summary>The same without body and recipients.</summary>
    public static long? TryInsertBare(Session session, NumberLine numbers, AcceptedMail mail, MessageState state, int sequence)
    {
        var insert = session.Prepare(InsertSql).Add(mail.Key.Tenant).Add(mail.Key.Id);
        return AddColumns(insert, mail, state).Add(sequence).Add(numbers.LastMessage + 1).Run() == 0 ? null : ++numbers.LastMessage;
    }

    private static long? Insert(
        Session session,
        NumberLine numbers,
        AcceptedMail mail,
        MessageState state,
        int sequence,
        HashSet<MessageKey> known
    )
    {
        if (!known.Add(mail.Key))
            return null;
        var insert = session.Prepare(InsertNew).Add(mail.Key.Tenant).Add(mail.Key.Id);
        AddColumns(insert, mail, state).Add(sequence).Add(++numbers.LastMessage).Post();
        return numbers.LastMessage;
    }

    /// <summary>Replaces the content under a known id: everything except the number, the id and the events.</summary>
    public static void Replace(Session session, long number, int revision, AcceptedMail mail, MessageState state)
    {
        AddColumns(session.Prepare(ReplaceSql).Add(number).Add(revision), mail, state).Post();
        session.Prepare(ClearRecipients).Add(number).Post();
        AttemptRows.Clear(session, number);
        AddParts(session, number, mail);
    }

    /// <summary>The body stored in the row, or null.</summary>
    public static byte[]? InlineBody(Session session, long number)
    {
        var row = session.Prepare(ReadBody).Add(number);
        if (!row.Step())
            return null;
        var json = row.BlobOrNull(0);
        row.Reset();
        return json;
    }

    private static Statement AddColumns(Statement statement, AcceptedMail mail, MessageState state) =>
        statement
            .Add((long)state)
            .Add(mail.Account.Number)
            .Add((long)mail.Priority)
            .Add(mail.EnvelopeSender)
            .Add(mail.Subject)
            .Add(mail.MessageIdHeader)
            .Add(mail.CreatedAt)
            .Add(mail.SendAt)
            .Add(mail.ExpiresAt)
            .Add((long)mail.OnAmbiguous)
            .Add(mail.Batch)
            .Add(mail.Tags)
            .Add(mail.Metadata)
            .Add(mail.ContentHash)
            .Add((long?)mail.Pool?.Number);

    private static void AddParts(Session session, long number, AcceptedMail mail)
    {
        var body = session.Prepare(Body).Add(number);
        if (mail.Body.SpoolFile is null)
            body.AddBlob(mail.Body.Inline.Span).Add((string?)null);
        else
            body.Add((byte[]?)null).Add(mail.Body.SpoolFile);
        body.Add(mail.Body.Size).Add(mail.Sources).Post();

        for (var i = 0; i < mail.Recipients.Count; i++)
            session.Prepare(Recipient).Add(number).Add(i).Add(mail.Recipients[i]).Post();
    }
}
