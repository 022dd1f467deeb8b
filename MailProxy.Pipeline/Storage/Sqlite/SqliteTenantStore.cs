using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Tenants in the tenants table, with sealed secrets; every change has an entry in the audit log.</summary>
public sealed class SqliteTenantStore(SqliteDatabase database, SecretBox box, TimeProvider clock) : ITenantStore
{
    private readonly CommitLoop _writer = database.Writer;
    private readonly SqliteReaders _readers = database.Readers;
    private readonly TenantRows _rows = new(box);
    private readonly TenantCascade _cascade = new(database, box, clock);

    public Task<IReadOnlyList<Tenant>> TenantsAsync() => _readers.ReadAsync<IReadOnlyList<Tenant>>(_rows.All);

    public Task<bool> PutTenantAsync(Tenant tenant, string actor) =>
        _writer.WriteAsync(db =>
        {
            var before = _rows.Find(db, tenant.Id);
            _rows.Write(db, tenant, Now);
            var after = Audited(tenant) with
            {
                AuthChanged = before is null ? null : before.AttachmentEndpoint?.Auth != tenant.AttachmentEndpoint?.Auth,
            };
            AuditRows.Append(
                db,
                Now,
                actor,
                before is null ? "tenant.create" : "tenant.replace",
                Subject(tenant.Id),
                before is null ? null : Audited(before).ToJson(),
                after.ToJson()
            );
            return before is null;
        });

    public Task<DeleteResult> DeleteTenantAsync(string id, string actor) =>
        _writer.WriteAsync(db =>
        {
            if (_rows.Find(db, id) is not { } tenant)
                return DeleteResult.NotFound;
            if (id == Tenant.DefaultId || _cascade.AreInUse(db, id))
                return DeleteResult.InUse;

            _cascade.Remove(db, id, actor, Now);
            TenantRows.Delete(db, id);
            SqliteTenantRemoval.Begin(new Session(db), id);
            AuditRows.Append(db, Now, actor, "tenant.delete", Subject(id), Audited(tenant).ToJson(), null);
            return DeleteResult.Deleted;
        });

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static AuditedTenant Audited(Tenant tenant)
    {
        var config = TenantConfig.Of(tenant);
        if (config.AttachmentUrl is { } url)
            config = config with { AttachmentUrl = ShownUrl.Of(url) };
        return new(config, tenant.AttachmentEndpoint?.Auth is not null);
    }

    private static string Subject(string id) => $"tenant/{id}";
}
