using MailProxy.Pipeline.Accounts;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>What goes with a tenant: everything configured in it. Whoever adds a table of such things adds it here.</summary>
internal sealed class TenantBelongings(SecretBox box)
{
    private readonly AccountRows _accounts = new(box);

    public bool HasMail(SqliteConnection db, string tenant) => Accounts(db, tenant).Any(account => AccountRows.HasMail(db, account.Key));

    /// <summary>Removes them, each with its row in the audit log.</summary>
    public void Remove(SqliteConnection db, string tenant, string actor, long now)
    {
        foreach (var account in Accounts(db, tenant).ToArray())
        {
            AccountRows.Bury(db, account.Key, now);
            AuditRows.Append(db, now, actor, "account.delete", $"account/{tenant}/{account.Id}", SqliteAccountStore.Audited(account, account.Paused).ToJson(), null);
        }

        RemoveAll(db, "webhooks", "webhook", tenant, actor, now);
        RemoveAll(db, "tenant_keys", "key", tenant, actor, now);
    }

    private IEnumerable<SmtpAccount> Accounts(SqliteConnection db, string tenant) => _accounts.All(db).Where(account => account.Tenant == tenant);

    private static void RemoveAll(SqliteConnection db, string table, string kind, string tenant, string actor, long now)
    {
        foreach (var id in db.Query($"SELECT id FROM {table} WHERE tenant = @tenant ORDER BY id", row => row.GetString(0), ("@tenant", tenant)))
        {
            db.Run($"DELETE FROM {table} WHERE tenant = @tenant AND id = @id", ("@tenant", tenant), ("@id", id));
            AuditRows.Append(db, now, actor, kind + ".delete", $"{kind}/{tenant}/{id}", null, null);
        }
    }
}
