using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Deletes everything that is configured in a tenant. A new table of such things must be added here.</summary>
internal sealed class TenantCascade(SqliteDatabase database, SecretBox box, TimeProvider clock)
{
    private readonly SqliteConfigurationStore _configuration = new(database, box, clock);

    /// <summary>Whether the tenant has unfinished mail, or links to files in its volumes that have not expired.</summary>
    public bool AreInUse(SqliteConnection db, string tenant) =>
        _configuration.IsAnyInUse(db, AccountFields.Noun, tenant) || _configuration.IsAnyInUse(db, VolumeFields.Noun, tenant);

    /// <summary>Deletes everything, each with an entry in the audit log.</summary>
    public void Remove(SqliteConnection db, string tenant, string actor, long now)
    {
        _configuration.DeleteAll(db, AccountFields.Noun, tenant, actor);
        RemoveAll(db, "suspended_batches", "batch", tenant, _ => "true", actor, now, "batch");
        _configuration.DeleteAll(db, VolumeFields.Noun, tenant, actor);
        _configuration.DeleteAll(db, WebhookFields.Noun, tenant, actor);
        RemoveAll(
            db,
            "tenant_keys",
            "key",
            tenant,
            id => SqliteKeyStore.Audited(SqliteKeyStore.Find(db, tenant, id)!).ToJson(),
            actor,
            now
        );
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
