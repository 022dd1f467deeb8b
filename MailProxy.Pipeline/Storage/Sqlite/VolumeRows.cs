using MailProxy.Pipeline.Accounts;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>The volumes table: sealed secrets in, open ones out.</summary>
internal sealed class VolumeRows(SecretBox box)
{
    private const string Select = "SELECT tenant, id, shared, admin_set, config, secret FROM volumes";

    public List<Volume> All(SqliteConnection db) => db.Query(Select + " ORDER BY tenant, id", Row);

    public Volume? Find(SqliteConnection db, string tenant, string id) =>
        db.QueryFirst(Select + " WHERE tenant = @tenant AND id = @id", Row, ("@tenant", tenant), ("@id", id));

    public void Put(SqliteConnection db, Volume volume, long now) =>
        db.Run(
            """
            INSERT INTO volumes (tenant, id, shared, admin_set, config, secret, created_at, updated_at)
            VALUES (@tenant, @id, @shared, @admin, @config, @secret, @now, @now)
            ON CONFLICT (tenant, id) DO UPDATE SET shared = @shared, admin_set = @admin, config = @config, secret = @secret, updated_at =
            @now
            """,
            ("@tenant", volume.Tenant),
            ("@id", volume.Id),
            ("@shared", volume.Shared ? 1 : 0),
            ("@admin", volume.AdminSet ? 1 : 0),
            ("@config", VolumeRecord.Of(volume.Config).ToJson()),
            ("@now", now),
            ("@secret", VolumeRecord.SecretOf(volume.Config) is { } secret ? box.Seal(secret, Owner(volume.Tenant, volume.Id)) : null)
        );

    public static void Delete(SqliteConnection db, string tenant, string id) =>
        db.Run("DELETE FROM volumes WHERE tenant = @tenant AND id = @id", ("@tenant", tenant), ("@id", id));

    private Volume Row(SqliteDataReader row)
    {
        var (tenant, id) = (row.GetString(0), row.GetString(1));
        var secret = row.BytesOrNull(5) is { } sealedSecret ? box.Open(sealedSecret, Owner(tenant, id)) : null;
        return new()
        {
            Tenant = tenant,
            Id = id,
            Shared = row.GetInt32(2) != 0,
            AdminSet = row.GetInt32(3) != 0,
            Config = VolumeRecord.FromJson(row.GetString(4)).ToConfig(secret),
        };
    }

    // Neither part may contain a slash, so no two volumes share this.
    private static string Owner(string tenant, string id) => $"volume/{tenant}/{id}/secret";
}
