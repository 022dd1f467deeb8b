using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// Reads what the start needs to know. Nothing is written: claims end with their process, and what was marked stays marked until it is
/// settled.
/// </summary>
internal static class RecoveryReader
{
    // "state <> 0" only repeats the condition of the partial index, because SQLite does not see that "state = 1" implies it.
    private const string Marked =
        "SELECT message, revision, lane, priority, attempt, due, recipients, marked FROM queue INDEXED BY queue_unready WHERE "
        + "state <> 0 AND state = 1 ORDER BY message";
    private const string Spooled = "SELECT spool FROM bodies INDEXED BY bodies_spool WHERE spool IS NOT NULL";

    public static Recovery Read(Session session, long now) =>
        new(InDoubt(session), LaneReader.Lanes(session), LimitUses.Read(session, now), ChangeWriter.NextExpiry(session));

    public static HashSet<string> SpoolFiles(Session session)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var row = session.Prepare(Spooled);
        while (row.Step())
            names.Add(row.Text(0));
        return names;
    }

    private static List<(QueuedMail Ticket, MailContent Content)> InDoubt(Session session)
    {
        var marked = new List<(QueuedMail Ticket, int Slice)>();
        var row = session.Prepare(Marked);
        while (row.Step())
        {
            marked.Add(
                (new(row.Long(0), row.Int(1), new(row.Int(2)), (Priority)row.Int(3), row.Int(4), row.Long(5), row.Int(6)), row.Int(7))
            );
        }

        return marked.ConvertAll(m =>
            (
                m.Ticket,
                ContentReader.Read(session, m.Ticket, QueueRows.Sending, m.Slice)
                    ?? throw new InvalidOperationException($"Message {m.Ticket.Id} is queued but does not exist.")
            )
        );
    }
}
