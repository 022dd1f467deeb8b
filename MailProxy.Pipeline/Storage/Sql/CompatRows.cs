using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Messages as an edge of another program's contract lists, hides and removes them.</summary>
internal static class CompatRows
{
    private const string NotHidden = "NOT EXISTS (SELECT 1 FROM compat_hidden h WHERE h.message = m.number AND h.revision = m.revision)";

    private const string List = $"""
        SELECT m.number FROM messages m INDEXED BY messages_tenant
        WHERE m.tenant = ?1 AND (?2 = 0 OR m.state < 10) AND {NotHidden} ORDER BY m.priority, m.created_at, m.id
        """;

    private const string ListAll = $"""
        SELECT m.number FROM messages m WHERE (?1 = 0 OR m.state < 10) AND {NotHidden} ORDER BY m.priority, m.created_at, m.id
        """;

    private const string Named = $"SELECT m.number FROM messages m WHERE m.tenant = ?1 AND m.id = ?2 AND {NotHidden}";

    private const string Events = "SELECT position, type, at, status, detail FROM events WHERE message = ?1 ORDER BY sequence LIMIT ?2";
    private const string LastEvent = "SELECT type, at, detail FROM events WHERE message = ?1 ORDER BY sequence DESC LIMIT 1";

    private const string Body = "SELECT json, spool FROM bodies WHERE message = ?1";

    private const string Some =
        "SELECT m.number FROM messages m INDEXED BY messages_tenant WHERE m.tenant = ?1 AND m.number > ?2 ORDER BY m.number LIMIT ?3";

    private const string Reported = $"""
        SELECT m.number, m.revision FROM messages m
        WHERE m.number IN ({Some}) AND m.state >= 10 AND {NotHidden}
            AND (SELECT position FROM events INDEXED BY events_message WHERE message = m.number ORDER BY sequence DESC LIMIT 1) <= ?4
        """;

    private const string Hide = """
        INSERT INTO compat_hidden (message, revision) SELECT number, revision FROM messages WHERE number = ?1 AND revision = ?2
        ON CONFLICT (message) DO UPDATE SET revision = excluded.revision
        """;

    // Nobody reads a longer history.
    private const int MostEvents = 1_000;

    private static readonly string[] Parts = ["recipients", "events", "links", "attempts"];

    public static List<long> Numbers(Session session, string? tenant, bool activeOnly) =>
        tenant is null
            ? session.Query(ListAll, static row => row.Long(0), activeOnly ? 1L : 0L)
            : session.Query(List, static row => row.Long(0), tenant, activeOnly ? 1L : 0L);

    public static long? Number(Session session, string tenant, string id) => session.QueryNumber(Named, tenant, id);

    /// <summary>A message, and the spool file that its content is in; null: it is in the row, or was purged.</summary>
    public static (CompatMessage? Message, string? File) Read(Session session, Claims claims, long number, string? webhook)
    {
        if (MessageViews.View(session, claims, number) is not { } view)
            return (null, null);
        var row = session.Prepare(LastEvent).Add(number);
        (EventType Type, ReadOnlyMemory<byte> Detail)? last = null;
        var at = view.CreatedAt;
        if (row.Step())
            (last, at) = (((EventType)row.Int(0), row.BlobOrNull(2) ?? []), row.Long(1));
        row.Reset();
        var body = session.Prepare(Body).Add(number);
        var (json, file) = body.Step() ? (body.BlobOrNull(0), body.TextOrNull(1)) : (null, null);
        body.Reset();
        ReadOnlyMemory<byte>? content = null;
        if (json is not null)
            content = json;
        return (new(view, content, at, last, webhook is null ? [] : History(session, view, webhook)), file);
    }

    /// <summary>Messages of a tenant that are not final, after a number.</summary>
    public static List<(long Number, string Id)> Pending(Session session, string tenant, long after, int limit) =>
        session.Query(
            """
            SELECT number, id FROM messages INDEXED BY messages_tenant
            WHERE tenant = ?1 AND number > ?2 AND state < 10 ORDER BY number LIMIT ?3
            """,
            static row => (row.Long(0), row.Text(1)),
            tenant,
            after,
            (long)limit
        );

    /// <summary>Messages that wait in the lane of an account, after a number.</summary>
    public static List<(long Number, string Id)> Waiting(Session session, AccountKey account, long after, int limit) =>
        session.Query(
            """
            SELECT q.message, m.id FROM queue q CROSS JOIN messages m ON m.number = q.message
            WHERE q.lane = ?1 AND q.message > ?2 ORDER BY q.message LIMIT ?3
            """,
            static row => (row.Long(0), row.Text(1)),
            (long)Lanes.Of(account).Number,
            after,
            (long)limit
        );

    /// <summary>
    /// What of a tenant's next messages after a number may be hidden, and the number that was looked at last; null when there are no more.
    /// </summary>
    public static (List<(long Number, long Revision)> Reported, long? Last) ReportedAfter(
        Session session,
        string tenant,
        long through,
        long after,
        int limit
    ) =>
        session.QueryNumber($"SELECT max(number) FROM ({Some}) slice", tenant, after, (long)limit) is { } last
            ? (session.Query(Reported, static row => (row.Long(0), row.Long(1)), tenant, after, (long)limit, through), last)
            : ([], null);

    /// <summary>Hides the messages that have still the revision. Returns how many.</summary>
    public static int HideAll(Session session, IEnumerable<(long Number, long Revision)> messages) =>
        messages.Sum(one => session.Run(Hide, one.Number, one.Revision));

    /// <summary>Deletes all rows of a message that nothing is queued of any more; the spool files that they named are added.</summary>
    public static void Delete(Session session, long number, List<string> files)
    {
        files.AddRange(
            session.Query("DELETE FROM bodies WHERE message = ?1 RETURNING spool", static row => row.TextOrNull(0), number).OfType<string>()
        );
        foreach (var part in Parts)
            session.Run($"DELETE FROM {part} WHERE message = ?1", number);
        session.Run("DELETE FROM retained WHERE subject = ?1", number);
        session.Run("DELETE FROM messages WHERE number = ?1", number);
    }

    private static List<CompatEvent> History(Session session, MessageView view, string webhook)
    {
        var events = session.Query(
            Events,
            static row => new CompatEvent(
                row.Long(0),
                (EventType)row.Int(1),
                row.Long(2),
                (MessageState)row.Int(3),
                row.BlobOrNull(4) ?? [],
                null
            ),
            view.Number,
            (long)MostEvents
        );
        return [.. events.Select(one => one with { ReportedAt = AcknowledgementRows.At(session, view.Key.Tenant, webhook, one.Position) })];
    }
}
