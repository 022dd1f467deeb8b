using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Uses of keys, in their rows.</summary>
public sealed class SqlKeyUseStore(StoreDatabase database) : IKeyUseStore
{
    public Task NoteUseAsync(string tenant, string id, long at) =>
        database.Writer.WriteAsync(session =>
            session.Run(
                "UPDATE tenant_keys SET last_used_at = ?1 WHERE tenant = ?2 AND id = ?3 AND (last_used_at IS NULL OR "
                    + "last_used_at < ?1)",
                at,
                tenant,
                id
            )
        );
}
