using System.Globalization;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>The rows of batches that weigh more than 1. Writes are on the writer's thread.</summary>
internal static class BatchWeightRows
{
    /// <summary>Of a tenant.</summary>
    public const int Most = 1_000;

    /// <summary>How long (milliseconds) one that no message names is kept: its mail may be yet to come.</summary>
    private const long KeptIdle = 7 * 86_400_000L;

    private const string Named = "SELECT 1 FROM messages m INDEXED BY messages_batch WHERE m.batch = w.batch AND m.tenant = w.tenant";

    private const string Idle =
        "DELETE FROM batch_weights AS w WHERE (w.tenant = ?1 OR ?1 IS NULL) AND w.since < ?2 AND NOT EXISTS (" + Named + ")";

    public static int Of(Session session, string tenant, string batch) =>
        (int)(session.QueryNumber("SELECT weight FROM batch_weights WHERE tenant = ?1 AND batch = ?2", tenant, batch) ?? 1);

    /// <param name="tenant">Null: every tenant.</param>
    public static List<BatchWeight> All(Session session, string? tenant) =>
        session.Query(
            "SELECT tenant, batch, weight FROM batch_weights WHERE tenant = ?1 OR ?1 IS NULL",
            static row => new BatchWeight(row.Text(0), row.Text(1), row.Int(2)),
            tenant
        );

    /// <summary>Forgets those that no message names and that were not set lately.</summary>
    /// <param name="tenant">Null: of every tenant.</param>
    public static int ForgetIdle(Session session, string? tenant, long now) => session.Run(Idle, tenant, now - KeptIdle);

    /// <summary>False: there are as many as there may be.</summary>
    public static bool Set(Session session, string tenant, string batch, int weight, string actor, long now)
    {
        var before = Of(session, tenant, batch);
        if (before == weight)
            return true;
        if (weight == 1)
            session.Run("DELETE FROM batch_weights WHERE tenant = ?1 AND batch = ?2", tenant, batch);
        else
        {
            if (before == 1 && IsFull(session, tenant) && (ForgetIdle(session, tenant, now) == 0 || IsFull(session, tenant)))
                return false;
            session.Run(
                "INSERT INTO batch_weights (tenant, batch, flow, weight, since) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (tenant, batch) DO "
                    + "UPDATE SET flow = excluded.flow, weight = excluded.weight, since = excluded.since",
                tenant,
                batch,
                FlowKey.Of(batch).Number,
                weight,
                now
            );
        }

        AuditRows.Append(session, now, actor, "batch.weigh", $"batch/{tenant}/{batch}", Text(before), Text(weight));
        return true;
    }

    private static bool IsFull(Session session, string tenant) =>
        session.QueryNumber("SELECT count(*) FROM batch_weights WHERE tenant = ?1", tenant) >= Most;

    private static string Text(int weight) => weight.ToString(CultureInfo.InvariantCulture);
}
