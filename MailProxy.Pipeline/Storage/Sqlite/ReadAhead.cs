using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// Reads the contents of several claimed mails in one snapshot, and then of those that follow them in their lanes: each snapshot after a
/// commit begins with cold pages, so that mail that is read alone costs more.
/// </summary>
internal sealed class ReadAhead(ReadyContents ready)
{
    /// <summary>Mails that one read looks ahead at, in all lanes together.</summary>
    private const int Ahead = 64;

    private const string Followers = """
        SELECT message, revision, attempt, due, recipients FROM queue INDEXED BY queue_lane
        WHERE state = 0 AND lane = ?1 AND priority = ?2 AND (due, message) > (?3, ?4) AND due <= ?5 ORDER BY due, message LIMIT ?6
        """;

    /// <summary>Fills the gaps in <paramref name="found"/> as far as it can.</summary>
    /// <param name="claimed">Claims that had been made before the session's snapshot was taken.</param>
    public void Read(Session session, IReadOnlyList<LoadRequest> wanted, MailContent?[] found, long claimed)
    {
        var last = new Dictionary<LaneKey, QueuedMail>();
        for (var i = 0; i < found.Length; i++)
        {
            if (found[i] is not null)
                continue;
            var (ticket, recipients) = wanted[i];
            found[i] = ContentReader.Small(session, ticket, recipients, ReadyContents.LargestBody);
            last[ticket.Lane] = ticket;
        }

        var share = Ahead / Math.Max(1, last.Count);
        foreach (var ticket in last.Values)
            ReadFollowers(session, ticket, Math.Min(share, ready.RoomOf(ticket.Lane)), claimed);
    }

    // Fresh mail and deferred mail are two sequences.
    private void ReadFollowers(Session session, QueuedMail from, int count, long claimed)
    {
        if (count <= 0)
            return;
        var following = new List<QueuedMail>(count);
        var row = session
            .Prepare(Followers)
            .Add(from.Lane.Number)
            .Add((long)from.Priority)
            .Add(from.Due)
            .Add(from.Id)
            .Add(from.Due == 0 ? 0 : long.MaxValue)
            .Add(count);
        while (row.Step())
        {
            var ticket = new QueuedMail(row.Long(0), row.Int(1), from.Lane, from.Priority, row.Int(2), row.Long(3), row.Int(4));
            if (ready.Wants(ticket, claimed))
                following.Add(ticket);
        }

        foreach (var ticket in following)
        {
            var content = ContentReader.Small(session, ticket, ReadyContents.MostRecipients, ReadyContents.LargestBody);
            if (content is { Standing.Rest: 0 })
                ready.Add(ticket, content, claimed);
        }
    }
}
