namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>The table of what must be kept longer than the walk through the log can wait.</summary>
internal static class RetainedRows
{
    // retained.stage
    public const int Content = 0;
    public const int UndeliveredContent = 1;
    public const int Everything = 2;

    private const string NextTenant = "SELECT min(tenant) FROM retained WHERE tenant > ?1";
    private const string InOrder =
        "SELECT subject, position, at FROM retained WHERE tenant = ?1 AND stage = ?2 AND position <= ?3 ORDER BY position LIMIT ?4";

    // The next stage, or a later end, replaces the row.
    private const string Put = """
        INSERT INTO retained (subject, tenant, stage, position, at) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (subject) DO UPDATE SET stage = excluded.stage, position = excluded.position, at = excluded.at 
            WHERE excluded.position >= retained.position
        """;

    private const string DeleteSql = "DELETE FROM retained WHERE subject = ?1";
    private const string DeleteContent = "DELETE FROM retained WHERE subject = ?1 AND stage < 2";

    /// <summary>Tenants with rows, after a name; fewer than <paramref name="limit"/> means that there are no more.</summary>
    public static List<string> Tenants(Session session, string after, int limit)
    {
        var tenants = new List<string>();
        while (tenants.Count < limit)
        {
            var row = session.Prepare(NextTenant).Add(after);
            var next = row.Step() ? row.TextOrNull(0) : null;
            row.Reset();
            if (next is null)
                break;
            tenants.Add(after = next);
        }

        return tenants;
    }

    /// <summary>
    /// What was reported (its position is not above <paramref name="reported"/>) and is old enough, oldest first; and the time of the
    /// first that
    /// was reported and is not old enough.
    /// </summary>
    public static (List<Finished> Due, long? NextAt) Due(Session session, string tenant, int stage, long reported, long before, int limit)
    {
        var due = new List<Finished>();
        var row = session.Prepare(InOrder).Add(tenant).Add(stage).Add(reported).Add(limit);
        while (row.Step())
        {
            if (row.Long(2) > before)
            {
                var at = row.Long(2);
                row.Reset();
                return (due, at);
            }

            due.Add(new(row.Long(0), tenant, row.Long(1), row.Long(2)));
        }

        return (due, null);
    }

    public static void Keep(Session session, Finished subject, int stage) =>
        session.Prepare(Put).Add(subject.Subject).Add(subject.Tenant).Add(stage).Add(subject.Position).Add(subject.At).Post();

    public static void Delete(Session session, long subject) => session.Prepare(DeleteSql).Add(subject).Post();

    public static void ContentGone(Session session, long subject) => session.Prepare(DeleteContent).Add(subject).Post();
}
