using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>The tenants table: seals secrets when writing and decrypts them when reading.</summary>
internal sealed class TenantRows(SecretBox box)
{
    private const string Select = "SELECT id, config, attachment_auth, number FROM tenants";

    public List<Tenant> All(SqliteConnection db) => db.Query(Select + " ORDER BY id", Row);

    public Tenant? Find(SqliteConnection db, string id) => db.QueryFirst(Select + " WHERE id = @id", Row, ("@id", id));

    public void Write(SqliteConnection db, Tenant tenant, long now) =>
        db.Run(
            """
            INSERT INTO tenants (id, config, attachment_auth, created_at, updated_at) VALUES (@id, @config, @auth, @now, @now)
            ON CONFLICT (id) DO UPDATE SET config = excluded.config, attachment_auth = excluded.attachment_auth, updated_at =
            excluded.updated_at
            """,
            ("@id", tenant.Id),
            ("@config", TenantConfig.Of(tenant).ToJson()),
            ("@now", now),
            ("@auth", tenant.AttachmentEndpoint?.Auth is { } auth ? box.Seal(StoredAuth.ToText(auth), AuthOwner(tenant.Id)) : null)
        );

    public static void Delete(SqliteConnection db, string id)
    {
        // Its number, negated, is what its limits were counted under; see LimitKey.
        db.Run("DELETE FROM limit_uses WHERE key = (SELECT -number FROM tenants WHERE id = @id)", ("@id", id));
        db.Run("DELETE FROM tenants WHERE id = @id", ("@id", id));
    }

    private Tenant Row(SqliteDataReader row)
    {
        var id = row.GetString(0);
        var auth = row.BytesOrNull(2) is { } sealedAuth ? StoredAuth.FromText(box.Open(sealedAuth, AuthOwner(id))) : null;
        return TenantConfig.FromJson(row.GetString(1)).ToTenant(id, auth) with { Number = row.GetInt32(3) };
    }

    private static string AuthOwner(string id) => $"tenant/{id}/attachment_auth";
}
