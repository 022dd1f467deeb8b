using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Loads a message for the composer, to show it as it is sent: with every recipient, whatever its state.</summary>
internal static class ContentRows
{
    private const string Message = """
        SELECT m.tenant, m.id, m.envelope_sender, m.message_id_header, m.created_at, m.on_ambiguous, m.attempts, m.possible_duplicate,
        m.expires_at,
               q.round, b.message, b.json, b.spool, b.sources, m.account
        FROM messages m LEFT JOIN queue q ON q.message = m.number LEFT JOIN bodies b ON b.message = m.number
        WHERE m.number = ?1
        """;

    private const string Recipients = "SELECT ordinal, address FROM recipients WHERE message = ?1 ORDER BY ordinal";

    /// <summary>Throws <see cref="BodyPurgedException"/>.</summary>
    public static StoredContent? Read(Session session, long number)
    {
        var row = session.Prepare(Message).Add(number);
        if (!row.Step())
            return null;
        if (row.IsNull(10))
            throw new BodyPurgedException();

        var content = new MailContent
        {
            Key = new(row.Text(0), row.Text(1)),
            Account = new(row.Int(14)),
            EnvelopeSender = row.Text(2),
            MessageIdHeader = row.Text(3),
            CreatedAt = row.Long(4),
            OnAmbiguous = (AmbiguousPolicy)row.Int(5),
            Json = row.BlobOrNull(11) ?? [],
            Sources = row.Int(13),
            Slice = [],
            Standing = new(
                Round: row.IntOrNull(9) ?? 0,
                Attempts: row.Int(6),
                Rest: 0,
                Deferred: 0,
                Sent: 0,
                Failed: 0,
                Ambiguous: 0,
                PossibleDuplicate: row.Int(7) != 0,
                ExpiresAt: row.Long(8)
            ),
        };
        var spoolFile = row.TextOrNull(12);
        row.Reset();

        var recipients = session.Prepare(Recipients).Add(number);
        var slice = new List<SliceRecipient>();
        while (recipients.Step())
            slice.Add(new(recipients.Int(0), recipients.Text(1)));
        return new(content with { Slice = slice }, spoolFile);
    }
}

/// <param name="SpoolFile">The spool file with the JSON, when it is not in the content.</param>
internal sealed record StoredContent(MailContent Content, string? SpoolFile);
