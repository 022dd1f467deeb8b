using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Reads the contents of several claimed mails in one snapshot, and then of those that follow them: in their batches, and in the batches
/// that come next in their lanes. Each snapshot after a commit begins with cold pages, so that mail that is read alone costs more.
/// </summary>
internal sealed class ReadAhead(ReadyContents ready, TraceRows traces)
{
    /// <summary>Mails that one read looks ahead at, in all lanes together.</summary>
    private const int Ahead = 64;

    // Fresh mail and deferred mail are two sequences.
    private const string Columns = "SELECT message, revision, attempt, due, recipients, flow FROM queue INDEXED BY ";
    private const string Fresh =
        Columns
        + "queue_lane WHERE state = 0 AND due = 0 AND lane = ?1 AND priority = ?2 AND flow = ?3 AND message > ?4 ORDER BY message LIMIT ?5";
    private const string Deferred =
        Columns
        + "queue_flow WHERE state = 0 AND due > 0 AND lane = ?1 AND priority = ?2 AND flow = ?3 AND (due, message) > (?4, ?5) "
        + "ORDER BY due, message LIMIT ?6";
    private const string NextBatches =
        Columns + "queue_lane WHERE state = 0 AND due = 0 AND lane = ?1 AND priority = ?2 AND flow > ?3 ORDER BY flow, message LIMIT ?4";

    /// <summary>Fills the gaps in <paramref name="found"/> as far as it can.</summary>
    /// <param name="claimed">Claims that had been made before the session's snapshot was taken.</param>
    public void Read(Session session, IReadOnlyList<LoadRequest> wanted, MailContent?[] found, long claimed)
    {
        var last = new Dictionary<(LaneKey, Priority, FlowKey, bool), QueuedMail>();
        var lanes = new Dictionary<LaneKey, (QueuedMail Last, int Batches)>();
        int[] missing = [.. Enumerable.Range(0, found.Length).Where(at => found[at] is null)];
        var read = Small(session, [.. missing.Select(at => wanted[at])]);
        for (var i = 0; i < missing.Length; i++)
        {
            var ticket = wanted[missing[i]].Ticket;
            found[missing[i]] = read[i];
            var before = last.Count;
            last[(ticket.Lane, ticket.Priority, ticket.Flow, ticket.Due > 0)] = ticket;
            lanes[ticket.Lane] = (ticket, lanes.GetValueOrDefault(ticket.Lane).Batches + last.Count - before);
        }

        var share = Ahead / Math.Max(1, lanes.Count);
        foreach (var ticket in last.Values)
        {
            var count = Math.Min(share / lanes[ticket.Lane].Batches, ready.RoomOf(ticket.Lane));
            Keep(session, Followers(session, ticket, count), ticket, claimed);
        }

        foreach (var (lane, (ticket, _)) in lanes)
        {
            if (ticket.Flow.Number != 0 && ticket.Due == 0)
                Keep(session, Neighbours(session, ticket, Math.Min(share, ready.RoomOf(lane))), ticket, claimed);
        }
    }

    private MailContent?[] Small(Session session, IReadOnlyList<LoadRequest> wanted)
    {
        var contents = ContentReader.Small(session, wanted, ReadyContents.LargestBody);
        for (var i = 0; i < contents.Length; i++)
        {
            if (contents[i] is { } content)
                contents[i] = traces.With(session, wanted[i].Ticket, content);
        }

        return contents;
    }

    private static Statement? Followers(Session session, QueuedMail from, int count)
    {
        if (count <= 0)
            return null;
        var row = session.Prepare(from.Due == 0 ? Fresh : Deferred).Add(from.Lane.Number).Add((long)from.Priority).Add(from.Flow.Number);
        return (from.Due == 0 ? row : row.Add(from.Due)).Add(from.Id).Add(count);
    }

    // Of many small batches one mail each follows.
    private static Statement? Neighbours(Session session, QueuedMail from, int count) =>
        count <= 0 ? null : session.Prepare(NextBatches).Add(from.Lane.Number).Add((long)from.Priority).Add(from.Flow.Number).Add(count);

    private void Keep(Session session, Statement? row, QueuedMail from, long claimed)
    {
        if (row is null)
            return;
        var following = new List<QueuedMail>();
        while (row.Step())
        {
            var ticket = new QueuedMail(row.Long(0), row.Int(1), from.Lane, from.Priority, row.Int(2), row.Long(3), row.Int(4))
            {
                Flow = new(row.Long(5)),
            };
            // Of one with more recipients nothing would be kept, and all are read together.
            if (ticket.Recipients <= ReadyContents.MostRecipients && ready.Wants(ticket, claimed))
                following.Add(ticket);
        }

        var contents = Small(session, [.. following.Select(static ticket => new LoadRequest(ticket, ReadyContents.MostRecipients))]);
        for (var i = 0; i < contents.Length; i++)
        {
            if (contents[i] is { Standing.Rest: 0 } content)
                ready.Add(following[i], content, claimed);
        }
    }
}
