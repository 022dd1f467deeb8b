namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>Questions about all lanes at once.</summary>
internal static class PgLaneSql
{
    /// <summary>Each lane with waiting mail, and when the earliest of it is due: index seeks, however long the queues are.</summary>
    public const string Waiting = """
        WITH RECURSIVE lanes AS (
            (SELECT lane FROM queue WHERE state = 0 AND due = 0 ORDER BY lane LIMIT 1)
            UNION ALL
            SELECT (SELECT q.lane FROM queue q WHERE q.state = 0 AND q.due = 0 AND q.lane > l.lane ORDER BY q.lane LIMIT 1)
            FROM lanes l WHERE l.lane IS NOT NULL
        ), later AS (
            (SELECT lane FROM queue WHERE state = 0 AND due > 0 ORDER BY lane LIMIT 1)
            UNION ALL
            SELECT (SELECT q.lane FROM queue q WHERE q.state = 0 AND q.due > 0 AND q.lane > l.lane ORDER BY q.lane LIMIT 1)
            FROM later l WHERE l.lane IS NOT NULL
        )
        SELECT lane, 0::bigint FROM lanes WHERE lane IS NOT NULL
        UNION ALL
        SELECT l.lane, (SELECT min(d.due) FROM generate_series(0, 3) AS p(priority), LATERAL (SELECT q.due FROM queue q WHERE q.state = 0
            AND q.due > 0 AND q.lane = l.lane AND q.priority = p.priority ORDER BY q.due LIMIT 1) AS d)
        FROM later l WHERE l.lane IS NOT NULL AND NOT EXISTS (SELECT 1 FROM lanes n WHERE n.lane = l.lane)
        ORDER BY 1
        """;
}
