using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Reads the event log. What is the same for all events of a message is joined from the message's row, so that the log stays small.
/// </summary>
internal static class EventPages
{
    private const string Columns =
        "e.position, e.type, e.at, e.tenant, m.id, e.sequence, e.status, a.id, e.attempt, m.batch, m.tags, m.metadata, e.detail, "
        + "m.priority, e.message";

    private const string Message = $"""
        SELECT {Columns}
        FROM events e INDEXED BY events_message LEFT JOIN messages m ON m.number = e.message LEFT JOIN accounts a ON a.number = e.account
        WHERE e.message = ?1 AND e.sequence > ?2 ORDER BY e.sequence LIMIT ?3
        """;

    private const string Log = $"""
        SELECT {Columns}
        FROM events e INDEXED BY events_tenant LEFT JOIN messages m ON m.number = e.message LEFT JOIN accounts a ON a.number = e.account
        WHERE e.tenant = ?1 AND e.position > ?2 ORDER BY e.position LIMIT ?3
        """;

    private const string End = "SELECT max(position) FROM events";

    private const string One = $"""
        SELECT {Columns}
        FROM events e NOT INDEXED LEFT JOIN messages m ON m.number = e.message LEFT JOIN accounts a ON a.number = e.account
        WHERE e.position = ?1 AND e.tenant = ?2
        """;

    private const string Kinds = """
        SELECT type, status, message IS NOT NULL, at, position FROM events INDEXED BY events_tenant
        WHERE tenant = ?1 AND position > ?2 ORDER BY position LIMIT ?3
        """;

    /// <summary>Bytes of one page: an event has up to the metadata of its message and the replies of all recipients.</summary>
    private const int Weight = 4 << 20;

    // Counting further would tell nothing useful, and keep a reader for long.
    private const int MostLookedAt = 50_000;

    public static List<MailEvent> OfMessage(Session session, StoreGenerations generations, long message, int afterSequence, int limit)
    {
        var row = session.Prepare(Message).Add(message).Add(afterSequence).Add(limit);
        var events = new List<MailEvent>();
        while (row.Step())
            events.Add(Read(row, generations));
        return events;
    }

    /// <summary>
    /// Up to <paramref name="limit"/> events of one tenant, fewer when they are large, and the position up to which no event was left out.
    /// </summary>
    public static (IReadOnlyList<MailEvent> Events, long Through) OfTenant(
        Session session,
        StoreGenerations generations,
        TraceRows traces,
        string tenant,
        long after,
        int limit
    )
    {
        var row = session.Prepare(Log).Add(tenant).Add(after).Add(limit);
        var events = new List<MailEvent>();
        var weight = 0;
        while (weight < Weight && row.Step())
        {
            var one = Read(session, row, generations, traces);
            events.Add(one);
            weight += 500 + one.Detail.Length + (one.Tags?.Length ?? 0) + (one.Metadata?.Length ?? 0);
        }

        row.Reset();
        if (events.Count == limit || weight >= Weight)
            return (events, events[^1].Position);
        return (events, Math.Max(after, session.Prepare(End).Scalar() ?? 0));
    }

    public static MailEvent? At(Session session, StoreGenerations generations, TraceRows traces, string tenant, long position)
    {
        var row = session.Prepare(One).Add(position).Add(tenant);
        if (!row.Step())
            return null;
        var found = Read(session, row, generations, traces);
        row.Reset();
        return found;
    }

    /// <summary>Counts a tenant's wanted events after a position.</summary>
    public static EndpointBacklog Backlog(Session session, string tenant, long after, Subscription wanted)
    {
        var row = session.Prepare(Kinds).Add(tenant).Add(after).Add(MostLookedAt);
        var (count, seen, oldest) = (0, 0, (long?)null);
        for (; row.Step(); seen++)
        {
            if (!wanted.Wants((EventType)row.Int(0), row.Int(2) != 0, (MessageState)row.Int(1)))
                continue;
            oldest ??= row.Long(3);
            count++;
        }

        return new(count, seen == MostLookedAt, oldest);
    }

    /// <summary>
    /// The position up to which none of a tenant's events is wanted, and the time of the first wanted event; null when none was found. Not
    /// whole:
    /// it stopped after <paramref name="scan"/> events.
    /// </summary>
    public static (long Through, long? WantedAt, bool Whole) FirstWanted(
        Session session,
        string tenant,
        long after,
        Subscription wanted,
        int scan
    )
    {
        var row = session.Prepare(Kinds).Add(tenant).Add(after).Add(scan);
        var (through, seen) = (after, 0);
        for (; row.Step(); seen++)
        {
            if (wanted.Wants((EventType)row.Int(0), row.Int(2) != 0, (MessageState)row.Int(1)))
            {
                var at = row.Long(3);
                row.Reset();
                return (through, at, true);
            }

            through = row.Long(4);
        }

        return (through, null, seen < scan);
    }

    /// <summary>Counts a tenant's wanted events between two positions, except those of one type. May read very many events.</summary>
    public static long CountWanted(Session session, string tenant, long after, long through, Subscription wanted, EventType besides)
    {
        var row = session.Prepare(Kinds).Add(tenant).Add(after).Add(long.MaxValue);
        var count = 0L;
        while (row.Step() && row.Long(4) <= through)
        {
            var type = (EventType)row.Int(0);
            if (type != besides && wanted.Wants(type, row.Int(2) != 0, (MessageState)row.Int(1)))
                count++;
        }

        row.Reset();
        return count;
    }

    private static MailEvent Read(Session session, Statement row, StoreGenerations generations, TraceRows traces)
    {
        var read = Read(row, generations);
        return row.LongOrNull(14) is { } message && traces.Of(session, message) is { } trace ? read with { Trace = trace } : read;
    }

    private static MailEvent Read(Statement row, StoreGenerations generations) =>
        new(
            Position: row.Long(0),
            Type: (EventType)row.Int(1),
            At: row.Long(2),
            Tenant: row.Text(3),
            MessageId: row.TextOrNull(4),
            Sequence: row.Int(5),
            Status: (MessageState)row.Int(6),
            Account: row.TextOrNull(7),
            Attempt: row.Int(8),
            Batch: row.TextOrNull(9),
            Tags: row.TextOrNull(10),
            Metadata: row.TextOrNull(11),
            Detail: row.BlobOrNull(12) ?? []
        )
        {
            Id = generations.EventId(row.Long(0)),
            Priority = (Priority?)row.IntOrNull(13),
        };
}
