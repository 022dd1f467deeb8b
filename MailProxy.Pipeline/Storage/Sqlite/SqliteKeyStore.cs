using System.Net;
using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Keys in the tenant_keys table; every change has an entry in the audit log.</summary>
public sealed class SqliteKeyStore(SqliteDatabase database, TimeProvider clock) : IKeyStore
{
    private const string Select =
        "SELECT tenant, id, name, hash, scopes, allowed_networks, created_at, expires_at, last_used_at FROM tenant_keys";

    private readonly CommitLoop _writer = database.Writer;
    private readonly SqliteReaders _readers = database.Readers;

    public Task<IReadOnlyList<TenantKey>> KeysAsync() =>
        _readers.ReadAsync<IReadOnlyList<TenantKey>>(db => db.Query(Select + " ORDER BY tenant, id", Row));

    public Task CreateKeyAsync(TenantKey key, string actor) =>
        _writer.WriteAsync(db =>
        {
            db.Run(
                """
                INSERT INTO tenant_keys (tenant, id, name, hash, scopes, allowed_networks, created_at, expires_at)
                VALUES (@tenant, @id, @name, @hash, @scopes, @networks, @created, @expires)
                """,
                ("@tenant", key.Tenant),
                ("@id", key.Id),
                ("@name", key.Name),
                ("@hash", key.Hash),
                ("@scopes", (long)key.Scopes),
                ("@networks", JsonSerializer.Serialize(Texts(key), StoredJson.Default.IReadOnlyListString)),
                ("@created", key.CreatedAt),
                ("@expires", key.ExpiresAt)
            );
            Audit(db, actor, "key.create", key, null, Audited(key));
            return true;
        });

    public Task<bool> DeleteKeyAsync(string tenant, string id, string actor) =>
        _writer.WriteAsync(db =>
        {
            if (Find(db, tenant, id) is not { } key)
                return false;
            db.Run("DELETE FROM tenant_keys WHERE tenant = @tenant AND id = @id", ("@tenant", tenant), ("@id", id));
            Audit(db, actor, "key.delete", key, Audited(key), null);
            return true;
        });

    public Task NoteUseAsync(string tenant, string id, long at) =>
        _writer.WriteAsync(db =>
            db.Run(
                "UPDATE tenant_keys SET last_used_at = @at WHERE tenant = @tenant AND id = @id AND (last_used_at IS NULL OR "
                    + "last_used_at < @at)",
                ("@tenant", tenant),
                ("@id", id),
                ("@at", at)
            )
        );

    internal static TenantKey? Find(SqliteConnection db, string tenant, string id) =>
        db.QueryFirst(Select + " WHERE tenant = @tenant AND id = @id", Row, ("@tenant", tenant), ("@id", id));

    private void Audit(SqliteConnection db, string actor, string action, TenantKey key, AuditedKey? before, AuditedKey? after) =>
        AuditRows.Append(
            db,
            clock.GetUtcNow().ToUnixTimeMilliseconds(),
            actor,
            action,
            $"key/{key.Tenant}/{key.Id}",
            before?.ToJson(),
            after?.ToJson()
        );

    private static TenantKey Row(SqliteDataReader row) =>
        new()
        {
            Tenant = row.GetString(0),
            Id = row.GetString(1),
            Name = row.GetString(2),
            Hash = row.GetFieldValue<byte[]>(3),
            Scopes = (KeyScopes)row.GetInt32(4),
            AllowedNetworks =
            [
                .. JsonSerializer.Deserialize(row.GetString(5), StoredJson.Default.IReadOnlyListString)!.Select(IPNetwork.Parse),
            ],
            CreatedAt = row.GetInt64(6),
            ExpiresAt = row.NumberOrNull(7),
            LastUsedAt = row.NumberOrNull(8),
        };

    internal static AuditedKey Audited(TenantKey key) => new(key.Name, key.Scopes.Names(), Texts(key), key.ExpiresAt);

    private static IReadOnlyList<string> Texts(TenantKey key) => [.. key.AllowedNetworks.Select(network => network.ToString())];
}
