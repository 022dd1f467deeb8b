using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Answers stored under their Idempotency-Key.</summary>
internal static class IdempotencyRows
{
    /// <summary>How long a key is remembered.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromHours(24);

    private const string Select = "SELECT fingerprint, status, body FROM idempotency WHERE tenant = ?1 AND key = ?2 AND created_at > ?3";
    private const string Insert =
        "INSERT INTO idempotency (tenant, key, fingerprint, status, body, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (tenant, "
        + "key) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body, created_at = "
        + "excluded.created_at";

    private const string DeleteOld =
        "DELETE FROM idempotency WHERE (tenant, key) IN (SELECT tenant, key FROM idempotency WHERE created_at <= ?1 ORDER BY "
        + "created_at LIMIT ?2)";

    /// <summary>The answer to give instead of storing; null when the key is new, or its answer is too old.</summary>
    public static SubmissionAnswer? Find(Session session, string tenant, IdempotencyClaim claim, long now)
    {
        var row = session.Prepare(Select).Add(tenant).Add(claim.Key).Add(Before(now));
        if (!row.Step())
            return null;
        SubmissionAnswer answer = row.Blob(0).AsSpan().SequenceEqual(claim.Fingerprint)
            ? new SubmissionAnswer.Replayed(new(row.Int(1), row.Blob(2)))
            : new SubmissionAnswer.KeyReused();
        row.Reset();
        return answer;
    }

    public static void Keep(Session session, string tenant, IdempotencyClaim claim, StoredAnswer answer, long now) =>
        session
            .Prepare(Insert)
            .Add(tenant)
            .Add(claim.Key)
            .AddBlob(claim.Fingerprint)
            .Add(answer.Status)
            .AddBlob(answer.Body)
            .Add(now)
            .Post();

    /// <summary>Deletes old rows, and returns how many.</summary>
    public static int Forget(Session session, long now, int limit) => session.Prepare(DeleteOld).Add(Before(now)).Add(limit).Run();

    private static long Before(long now) => now - (long)Kept.TotalMilliseconds;
}
