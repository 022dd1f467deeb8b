using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Configuration.Keys;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>With a tenant everything goes that is configured in it. A new table of such things must be added here.</summary>
internal sealed class TenantCascade(SqliteConfigurationStore configuration) : TableRules<Tenant>
{
    /// <summary>Whether the tenant has unfinished mail, or links to files in its volumes that have not expired.</summary>
    public override bool IsInUse(SqliteConnection db, Resource<Tenant> resource, long now) =>
        resource.Id == Tenant.DefaultId
        || configuration.IsAnyInUse(db, AccountFields.Noun, resource.Id)
        || configuration.IsAnyInUse(db, VolumeFields.Noun, resource.Id);

    /// <summary>Deletes everything, each with an entry in the audit log, and what its limits were counted under.</summary>
    public override void Deleting(SqliteConnection db, Resource<Tenant> resource, string actor, long now)
    {
        var tenant = resource.Id;
        configuration.DeleteAll(db, AccountFields.Noun, tenant, actor);
        RemoveAll(db, "suspended_batches", "batch", tenant, _ => "true", actor, now, "batch");
        configuration.DeleteAll(db, VolumeFields.Noun, tenant, actor);
        configuration.DeleteAll(db, WebhookFields.Noun, tenant, actor);
        configuration.DeleteAll(db, KeyFields.Noun, tenant, actor);
        db.Run("DELETE FROM limit_uses WHERE key = @key", ("@key", LimitKey.OfTenant(resource.Number).Stored));
        SqliteTenantRemoval.Begin(new Session(db), tenant);
    }

    private static List<string> Ids(SqliteConnection db, string table, string tenant, string column = "id") =>
        db.Query($"SELECT {column} FROM {table} WHERE tenant = @tenant ORDER BY {column}", row => row.GetString(0), ("@tenant", tenant));

    private static void RemoveAll(
        SqliteConnection db,
        string table,
        string kind,
        string tenant,
        Func<string, string> before,
        string actor,
        long now,
        string column = "id"
    )
    {
        foreach (var id in Ids(db, table, tenant, column))
        {
            AuditRows.Append(db, now, actor, kind + ".delete", $"{kind}/{tenant}/{id}", before(id), null);
            db.Run($"DELETE FROM {table} WHERE tenant = @tenant AND {column} = @id", ("@tenant", tenant), ("@id", id));
        }
    }
}
