namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Reads the names of batches by skip-scans of the index, so that the messages of a batch are not read.</summary>
internal static class BatchNames
{
    // Limits one reading even when most names belong to other tenants.
    private const int Leaps = 10_000;

    private const string NextName = "SELECT batch FROM messages INDEXED BY messages_batch WHERE batch > ?1 ORDER BY batch LIMIT 1";
    private const string IsNamed = "SELECT 1 FROM messages INDEXED BY messages_batch WHERE batch = ?1 AND tenant = ?2 LIMIT 1";
    private const string NextPair =
        "SELECT batch, tenant FROM messages INDEXED BY messages_batch WHERE batch IS NOT NULL AND (batch, tenant) > (?1, ?2) "
        + "ORDER BY batch, tenant LIMIT 1";
    private const string Kept =
        "SELECT batch, tenant, max(since), max(weight) FROM ("
        + "SELECT batch, tenant, since, 1 AS weight FROM suspended_batches WHERE tenant = ?1 OR ?1 IS NULL UNION ALL "
        + "SELECT batch, tenant, NULL, weight FROM batch_weights WHERE tenant = ?1 OR ?1 IS NULL) kept GROUP BY batch, tenant";

    private static readonly Comparer<(string Batch, string Tenant)> ByName = Comparer<(string Batch, string Tenant)>.Create(
        static (a, b) => string.CompareOrdinal(a.Batch, b.Batch) is not 0 and var order ? order : string.CompareOrdinal(a.Tenant, b.Tenant)
    );

    /// <param name="tenant">Null: every tenant.</param>
    public static (IReadOnlyList<BatchName> Batches, (string Batch, string Tenant)? Next) Of(
        Session session,
        string? tenant,
        (string Batch, string Tenant) after,
        int limit
    )
    {
        var kept = ReadKept(session, tenant);
        var found = new List<BatchName>();
        var (last, leaps) = (after, Leaps);
        while (found.Count < limit)
        {
            var named = tenant is null ? Pair(session, last) : Name(session, last.Batch, tenant, ref leaps);
            var next = kept.Keys.Where(key => ByName.Compare(key, last) > 0).Cast<(string, string)?>().FirstOrDefault();
            if ((named ?? next) is null)
                return (found, leaps > 0 ? null : last);
            last = named is null || (next is { } other && ByName.Compare(other, named.Value) < 0) ? next!.Value : named.Value;
            found.Add(
                kept.TryGetValue(last, out var how)
                    ? new(last.Tenant, last.Batch, how.Since, how.Weight)
                    : new(last.Tenant, last.Batch, null)
            );
        }

        return (found, last);
    }

    // Those that are suspended, and those that weigh more than 1.
    private static SortedDictionary<(string Batch, string Tenant), (long? Since, int Weight)> ReadKept(Session session, string? tenant)
    {
        var all = new SortedDictionary<(string, string), (long?, int)>(ByName);
        var row = session.Prepare(Kept).Add(tenant);
        while (row.Step())
            all.Add((row.Text(0), row.Text(1)), (row.IsNull(2) ? null : row.Long(2), row.Int(3)));
        return all;
    }

    private static (string, string)? Pair(Session session, (string Batch, string Tenant) after)
    {
        var row = session.Prepare(NextPair).Add(after.Batch).Add(after.Tenant);
        if (!row.Step())
            return null;
        var pair = (row.Text(0), row.Text(1));
        row.Reset();
        return pair;
    }

    private static (string, string)? Name(Session session, string after, string tenant, ref int leaps)
    {
        for (; leaps > 0; leaps--)
        {
            var row = session.Prepare(NextName).Add(after);
            if (!row.Step())
                return null;
            after = row.Text(0);
            row.Reset();
            if (session.Prepare(IsNamed).Add(after).Add(tenant).Scalar() is not null)
                return (after, tenant);
        }

        return null;
    }
}
