using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>What one reading of a lane has noticed.</summary>
internal sealed class SliceNotes
{
    /// <summary>Batches that have more mail that is due.</summary>
    public HashSet<(Priority, FlowKey)> Left { get; } = [];

    /// <summary>Not every batch was looked at.</summary>
    public bool IsCut { get; set; }

    /// <summary>Mail was skipped because its message is being changed.</summary>
    public bool IsChanging { get; set; }

    public void HaveMore(Priority priority, IEnumerable<long> flows)
    {
        foreach (var flow in flows)
            Left.Add((priority, new(flow)));
    }
}

/// <summary>
/// The mail of one priority of a lane that is due and that nobody has. Where all of it is of one batch, or none is in a batch, it is a page
/// of the index; of several batches each gives as much as the others (<see cref="FlowReading"/>).
/// </summary>
internal sealed class LaneSlice(
    Session session,
    Claims claims,
    LaneKey lane,
    Priority priority,
    ClaimRequest request,
    LaneCursor cursor,
    SliceNotes notes
)
{
    private const string Columns = "SELECT message, revision, attempt, due, recipients, not_by, flow ";
    private const string Fresh = "FROM queue INDEXED BY queue_lane WHERE state = 0 AND due = 0 AND lane = ?1 AND priority = ?2";
    private const string Deferred = "FROM queue INDEXED BY queue_flow WHERE state = 0 AND due > 0 AND lane = ?1 AND priority = ?2";

    // Expired mail is left to the expiry sweep.
    private const string DueByTime =
        Columns
        + "FROM queue INDEXED BY queue_due WHERE state = 0 AND due > 0 AND lane = ?1 AND priority = ?2 AND due <= ?3 AND expires_at > ?3 "
        + "ORDER BY due, message";
    private const string LastFresh = "SELECT max(flow) " + Fresh;
    private const string LastDeferred = "SELECT max(flow) " + Deferred;
    private const string NewestSql = "SELECT max(message) FROM queue";

    internal static readonly FlowSql FreshFlows = new(
        Columns + Fresh + " AND flow > ?3 AND expires_at > ?4 ORDER BY flow, message",
        "SELECT flow, due " + Fresh + " AND flow > ?3 ORDER BY flow LIMIT 1",
        Columns + Fresh + " AND flow = ?3 AND expires_at > ?4 ORDER BY message"
    );

    internal static readonly FlowSql DeferredFlows = new(
        Columns + Deferred + " AND flow > ?3 AND expires_at > ?4 ORDER BY flow, due, message",
        "SELECT flow, due " + Deferred + " AND flow > ?3 ORDER BY flow, due LIMIT 1",
        Columns + Deferred + " AND flow = ?3 AND due <= ?4 AND expires_at > ?4 ORDER BY due, message"
    );

    public Priority Priority => priority;

    public ClaimRequest Request => request;

    public SliceNotes Notes => notes;

    /// <summary>Whether there is any.</summary>
    public bool IsAny() => Read(From(FreshFlows, -1), 1).Count > 0 || Read(ByTime(), 1).Count > 0;

    /// <summary>Up to so many, fresh and deferred in turn.</summary>
    /// <param name="more">Some were left.</param>
    public List<QueuedMail> Read(int wanted, out bool more)
    {
        var due = ReadEarliest(wanted + 1, out var isAll);
        var flows = new FlowSpan();
        if (Last(LastFresh) is { } lastFresh)
            flows.Add(lastFresh > 0 ? Next(FreshFlows, -1)!.Value.Flow : 0, lastFresh);
        foreach (var ticket in due)
            flows.Add(ticket.Flow.Number, ticket.Flow.Number);
        if (!isAll && (flows.IsNone || flows.IsOne) && Last(LastDeferred) is { } lastDue)
            flows.Add(Next(DeferredFlows, -1)!.Value.Flow, lastDue);
        more = false;
        if (flows.IsNone)
            return [];
        if (flows.IsOne)
            return ReadOne(flows.First, due, wanted, out more);
        var found = new FlowReading(this, cursor.Turn(priority), wanted, isAll ? due : null).Read(out more);
        return found.Count > 0 || due.Count == 0 ? found : due[..Math.Min(wanted, due.Count)];
    }

    // All is of one batch. When one of the kinds runs out, the other fills up.
    private List<QueuedMail> ReadOne(long flow, List<QueuedMail> due, int wanted, out bool more)
    {
        var mostFresh = wanted - Math.Min(due.Count, wanted / 2);
        var fresh = IsEnough(flow) ? [] : Read(Of(FreshFlows, flow), mostFresh + 1);
        var (f, d) = (0, 0);
        var found = new List<QueuedMail>(Math.Min(wanted, fresh.Count + due.Count));
        while (found.Count < wanted && (Math.Min(fresh.Count, mostFresh) > f || due.Count > d))
            found.Add(f < Math.Min(fresh.Count, mostFresh) && (f <= d || d == due.Count) ? fresh[f++] : due[d++]);
        more = f + d < fresh.Count + due.Count;
        if (more)
            notes.Left.Add((priority, new(flow)));
        return found;
    }

    // Deferred mail that is due, the earliest first, whatever its batch.
    private List<QueuedMail> ReadEarliest(int limit, out bool isAll)
    {
        if (request.Enough is not { Count: > 0 })
        {
            var all = Read(ByTime(), limit);
            isAll = all.Count < limit;
            return all;
        }

        var row = ByTime();
        var found = new List<QueuedMail>();
        for (var left = 4 * limit; found.Count < limit && left > 0; left--)
        {
            if (!row.Step())
            {
                isAll = true;
                return found;
            }

            if (!IsEnough(row.Long(6)) && IsFree(row))
                found.Add(Ticket(row));
        }

        row.Reset();
        isAll = false;
        return found;
    }

    /// <summary>The rows of the batches after one, in the order of batches.</summary>
    public Statement From(FlowSql sql, long after) => Rows(sql.Rows, after);

    /// <summary>The rows of one batch.</summary>
    public Statement Of(FlowSql sql, long flow) => Rows(sql.Own, flow);

    /// <summary>The first batch after one, and when its first mail is due.</summary>
    public (long Flow, long Due)? Next(FlowSql sql, long after)
    {
        var row = session.Prepare(sql.Next).Add(lane.Number).Add((long)priority).Add(after);
        if (!row.Step())
            return null;
        var next = (row.Long(0), row.Long(1));
        row.Reset();
        return next;
    }

    public long Newest() => session.Prepare(NewestSql).Scalar() ?? 0;

    public bool IsEnough(long flow) => request.Enough is { Count: > 0 } enough && enough.Contains((priority, new(flow)));

    public bool IsFree(Statement row)
    {
        if (!claims.Contains(row.Long(0), row.Int(1), row.Int(2), out var changing))
            return true;
        notes.IsChanging |= changing;
        return false;
    }

    public QueuedMail Ticket(Statement row) =>
        new(row.Long(0), row.Int(1), lane, priority, row.Int(2), row.Long(3), row.Int(4))
        {
            NotBy = row.TextOrNull(5),
            Flow = new(row.Long(6)),
        };

    /// <summary>Up to so many that nobody has. Claimed rows are at the head of a batch and are skipped.</summary>
    /// <param name="not">Those that were found already.</param>
    public List<QueuedMail> Read(Statement row, int limit, HashSet<long>? not = null)
    {
        var found = new List<QueuedMail>();
        while (found.Count < limit && row.Step())
        {
            if (IsFree(row) && not?.Contains(row.Long(0)) is not true)
                found.Add(Ticket(row));
        }

        row.Reset();
        return found;
    }

    private Statement Rows(string sql, long flow) =>
        session.PrepareLong(sql).Add(lane.Number).Add((long)priority).Add(flow).Add(request.Now);

    private Statement ByTime() => session.PrepareLong(DueByTime).Add(lane.Number).Add((long)priority).Add(request.Now);

    private long? Last(string sql) => session.Prepare(sql).Add(lane.Number).Add((long)priority).Scalar();
}

/// <summary>Between which numbers batches are.</summary>
internal struct FlowSpan()
{
    public long First { get; private set; } = long.MaxValue;

    private long Last { get; set; } = -1;

    public readonly bool IsNone => Last < 0;

    public readonly bool IsOne => First == Last;

    public void Add(long first, long last) => (First, Last) = (Math.Min(First, first), Math.Max(Last, last));
}
