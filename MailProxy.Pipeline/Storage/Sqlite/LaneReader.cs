using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sqlite.Flight;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Reads one lane: the mail that is due, in sending order, without what is claimed.</summary>
internal sealed class LaneReader(Claims claims)
{
    /// <summary>When (milliseconds) a lane looks again for mail that was skipped because its message was being changed.</summary>
    private const long AfterChange = 1_000;

    private const string Columns = "SELECT message, revision, attempt, due, recipients, not_by FROM queue INDEXED BY queue_lane";

    // Expired mail is left to the expiry sweep.
    private const string Fresh =
        Columns + " WHERE state = 0 AND lane = ?1 AND priority = ?2 AND due = 0 AND expires_at > ?3 ORDER BY message";
    private const string Deferred =
        Columns + " WHERE state = 0 AND lane = ?1 AND priority = ?2 AND due > 0 AND due <= ?3 AND expires_at > ?3 ORDER BY due, message";
    private const string Next =
        "SELECT min(due) FROM queue INDEXED BY queue_lane WHERE state = 0 AND lane = ?1 AND priority = ?2 AND due > ?3";
    private const string NextLane = "SELECT lane FROM queue INDEXED BY queue_lane WHERE state = 0 AND lane > ?1 ORDER BY lane LIMIT 1";

    public ClaimedPage Claim(Session session, LaneKey lane, ClaimRequest request)
    {
        var tickets = new List<QueuedMail>();
        var more = false;
        var isChanging = false;
        var nextDue = long.MaxValue;
        for (var priority = Priority.Immediate; priority <= Priority.Low; priority++)
        {
            // Once the count is reached, only one question remains: whether there is more.
            var wanted = priority <= request.LowestPriority ? request.Count - tickets.Count : 0;
            if (wanted > 0 || !more)
            {
                var fresh = Read(
                    session.Prepare(Fresh).Add(lane.Number).Add((long)priority).Add(request.Now),
                    lane,
                    priority,
                    wanted + 1,
                    ref isChanging
                );
                var deferred = Read(
                    session.Prepare(Deferred).Add(lane.Number).Add((long)priority).Add(request.Now),
                    lane,
                    priority,
                    wanted + 1,
                    ref isChanging
                );
                more |= Mix(fresh, deferred, wanted, tickets, ref isChanging);
            }

            nextDue = Math.Min(nextDue, NextDue(session, lane, priority, request.Now) ?? long.MaxValue);
        }

        // Should the change be undone, nobody wakes the lane.
        return new(tickets, more, isChanging ? Math.Min(nextDue, request.Now + AfterChange) : nextDue);
    }

    /// <summary>
    /// Lanes with waiting mail, and when the earliest of it is due. Takes a few index seeks per lane, however long its queue is.
    /// </summary>
    public static List<(LaneKey Lane, long Due)> Lanes(Session session)
    {
        var lanes = new List<(LaneKey, long)>();
        long last = long.MinValue;
        while (session.Prepare(NextLane).Add(last).Scalar() is { } number)
        {
            last = number;
            var key = new LaneKey((int)number);
            var due = long.MaxValue;
            for (var priority = Priority.Immediate; priority <= Priority.Low; priority++)
            {
                due = Math.Min(due, NextDue(session, key, priority, -1) ?? long.MaxValue);
            }

            lanes.Add((key, due));
        }

        return lanes;
    }

    private static long? NextDue(Session session, LaneKey lane, Priority priority, long after) =>
        session.Prepare(Next).Add(lane.Number).Add((long)priority).Add(after).Scalar();

    /// <summary>Claimed rows are at the head of the index and are skipped.</summary>
    private List<QueuedMail> Read(Statement row, LaneKey lane, Priority priority, int limit, ref bool isChanging)
    {
        var found = new List<QueuedMail>();
        while (found.Count < limit && row.Step())
        {
            var (id, revision, attempt) = (row.Long(0), row.Int(1), row.Int(2));
            if (claims.Contains(id, revision, attempt, out var changing))
                isChanging |= changing;
            else
                found.Add(new(id, revision, lane, priority, attempt, row.Long(3), row.Int(4)) { NotBy = row.TextOrNull(5) });
        }

        row.Reset();
        return found;
    }

    /// <summary>Takes fresh and deferred mail in turn; when one runs out, the other fills up. True when something was left.</summary>
    private bool Mix(List<QueuedMail> fresh, List<QueuedMail> deferred, int wanted, List<QueuedMail> tickets, ref bool isChanging)
    {
        var (f, d, taken) = (0, 0, 0);
        while (taken < wanted && (f < fresh.Count || d < deferred.Count))
        {
            var ticket = f < fresh.Count && (f <= d || d == deferred.Count) ? fresh[f++] : deferred[d++];
            if (!claims.TryAdd(ticket.Id, ticket.Revision, ticket.Attempt))
            {
                isChanging = true;
                continue;
            }

            tickets.Add(ticket);
            taken++;
        }

        return f < fresh.Count || d < deferred.Count;
    }
}
