using System.Collections.Immutable;
using MailProxy.Pipeline.Configuration.Webhooks;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>The events that an endpoint of style sync named in "error". Usually there are none.</summary>
internal static class ResendRows
{
    private const string Select =
        "SELECT position, since, failures, due FROM webhook_resends WHERE tenant = ?1 AND webhook = ?2 ORDER BY position";
    private const string Put =
        "INSERT INTO webhook_resends (tenant, webhook, position, since, failures, due) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
        + "ON CONFLICT (tenant, webhook, position) DO UPDATE SET since = excluded.since, failures = excluded.failures, due = excluded.due";
    private const string Delete = "DELETE FROM webhook_resends WHERE tenant = ?1 AND webhook = ?2 AND position = ?3";

    public static ImmutableSortedDictionary<long, Resend> Read(Session session, string tenant, string webhook) =>
        session
            .Query(
                Select,
                static row => KeyValuePair.Create(row.Long(0), new Resend(row.Long(1), row.Int(2), row.Long(3))),
                tenant,
                webhook
            )
            .ToImmutableSortedDictionary();

    /// <summary>Makes the rows equal to the given resends; only differences are written. On the writer's thread.</summary>
    public static void Write(Session session, string tenant, string webhook, ImmutableSortedDictionary<long, Resend> wanted)
    {
        var known = new Dictionary<long, Resend>();
        var row = session.Prepare(Select).Add(tenant).Add(webhook);
        while (row.Step())
            known.Add(row.Long(0), new(row.Long(1), row.Int(2), row.Long(3)));
        foreach (var position in known.Keys.Where(position => !wanted.ContainsKey(position)))
        {
            session.Prepare(Delete).Add(tenant).Add(webhook).Add(position).Post();
        }

        foreach (var (position, resend) in wanted)
        {
            if (known.TryGetValue(position, out var there) && there == resend)
                continue;
            session.Prepare(Put).Add(tenant).Add(webhook).Add(position).Add(resend.Since).Add(resend.Failures).Add(resend.Due).Post();
        }
    }

    public static void Forget(Session session, string tenant, string webhook) =>
        session.Run("DELETE FROM webhook_resends WHERE tenant = ?1 AND webhook = ?2", tenant, webhook);
}
