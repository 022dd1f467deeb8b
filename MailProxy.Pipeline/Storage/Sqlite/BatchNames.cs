namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>The names of batches, read by leaps through the index: what a batch holds is not looked at.</summary>
internal static class BatchNames
{
    // A reading stays short though most names are other tenants'.
    private const int Leaps = 10_000;

    private const string Named = "SELECT batch FROM messages INDEXED BY messages_batch WHERE batch > ?1 ORDER BY batch LIMIT 1";
    private const string IsNamed = "SELECT 1 FROM messages INDEXED BY messages_batch WHERE batch = ?1 AND tenant = ?2 LIMIT 1";
    private const string Suspended = "SELECT batch FROM suspended_batches WHERE tenant = ?1 AND batch > ?2 ORDER BY batch LIMIT 1";
    private const string Since = "SELECT since FROM suspended_batches WHERE tenant = ?1 AND batch = ?2";

    public static (IReadOnlyList<BatchName> Batches, string? Next) Of(Session session, string tenant, string after, int limit)
    {
        var found = new List<BatchName>();
        var (last, next) = (after, Text(session.Prepare(Suspended).Add(tenant).Add(after)));
        for (var leap = 0; leap < Leaps; leap++)
        {
            var named = Text(session.Prepare(Named).Add(last));
            if ((named ?? next) is null) return (found, null);
            var suspended = next is not null && (named is null || string.CompareOrdinal(next, named) <= 0);
            last = suspended ? next! : named!;
            if (suspended) next = Text(session.Prepare(Suspended).Add(tenant).Add(last));
            if (!suspended && session.Prepare(IsNamed).Add(last).Add(tenant).Scalar() is null) continue;
            if (found.Count == limit) return (found, found[^1].Id);
            found.Add(new(last, session.Prepare(Since).Add(tenant).Add(last).Scalar()));
        }

        return (found, last);
    }

    private static string? Text(Statement row)
    {
        if (!row.Step()) return null;
        var text = row.Text(0);
        row.Reset();
        return text;
    }
}
