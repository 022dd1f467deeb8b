using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Configuration.Keys;
using MailProxy.Pipeline.Configuration.Pools;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>With a tenant everything goes that is configured in it. A new table of such things must be added here.</summary>
internal sealed class TenantCascade(SqlConfigurationStore configuration) : TableRules<Tenant>
{
    // In the lanes of its accounts and of its pools.
    private const string HasMail = """
        SELECT EXISTS (
            SELECT 1 FROM (
                SELECT number AS lane FROM accounts WHERE tenant = ?1 AND deleted_at IS NULL
                UNION ALL SELECT -number FROM pools WHERE tenant = ?1
            ) l
            WHERE EXISTS (SELECT 1 FROM queue q INDEXED BY queue_lane WHERE q.state = 0 AND q.due = 0 AND q.lane = l.lane)
                OR EXISTS (SELECT 1 FROM queue q INDEXED BY queue_due WHERE q.state = 0 AND q.due > 0 AND q.lane = l.lane)
                OR EXISTS (SELECT 1 FROM queue q INDEXED BY queue_unready WHERE q.state <> 0 AND q.lane = l.lane)
        )
        """;

    /// <summary>Whether the tenant has unfinished mail, or links to files in its volumes that have not expired.</summary>
    public override bool IsInUse(Session session, Resource<Tenant> resource, long now) =>
        resource.Id == Tenant.DefaultId
        || session.QueryNumber(HasMail, resource.Id) == 1
        || configuration.IsAnyInUse(session, VolumeFields.Noun, resource.Id);

    /// <summary>Deletes everything, each with an entry in the audit log, and what its limits were counted under.</summary>
    public override void Deleting(Session session, Resource<Tenant> resource, string actor, long now)
    {
        var tenant = resource.Id;
        configuration.DeleteAll(session, PoolFields.Noun, tenant, actor);
        configuration.DeleteAll(session, AccountFields.Noun, tenant, actor);
        RemoveAll(session, "suspended_batches", "batch", tenant, _ => "true", actor, now, "batch");
        session.Run("DELETE FROM batch_weights WHERE tenant = ?1", tenant);
        configuration.DeleteAll(session, VolumeFields.Noun, tenant, actor);
        configuration.DeleteAll(session, WebhookFields.Noun, tenant, actor);
        configuration.DeleteAll(session, KeyFields.Noun, tenant, actor);
        session.Run("DELETE FROM compat_documents WHERE tenant = ?1", tenant);
        session.Run("DELETE FROM compat_commands WHERE tenant = ?1", tenant);
        SqlOperationStore.Abandon(session, tenant, keep: 0);
        session.Run("DELETE FROM limit_uses WHERE key = ?1", LimitKey.OfTenant(resource.Number).Stored);
        SqlTenantRemoval.Begin(session, tenant);
    }

    private static List<string> Ids(Session session, string table, string tenant, string column = "id") =>
        session.Query($"SELECT {column} FROM {table} WHERE tenant = ?1 ORDER BY {column}", static row => row.Text(0), tenant);

    private static void RemoveAll(
        Session session,
        string table,
        string kind,
        string tenant,
        Func<string, string> before,
        string actor,
        long now,
        string column = "id"
    )
    {
        foreach (var id in Ids(session, table, tenant, column))
        {
            AuditRows.Append(session, now, actor, kind + ".delete", $"{kind}/{tenant}/{id}", before(id), null);
            session.Run($"DELETE FROM {table} WHERE tenant = ?1 AND {column} = ?2", tenant, id);
        }
    }
}
