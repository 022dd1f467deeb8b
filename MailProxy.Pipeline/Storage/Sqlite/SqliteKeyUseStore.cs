using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Uses of keys, in their rows.</summary>
public sealed class SqliteKeyUseStore(SqliteDatabase database) : IKeyUseStore
{
    public Task NoteUseAsync(string tenant, string id, long at) =>
        database.Writer.WriteAsync(db =>
            db.Run(
                "UPDATE tenant_keys SET last_used_at = @at WHERE tenant = @tenant AND id = @id AND (last_used_at IS NULL OR "
                    + "last_used_at < @at)",
                ("@tenant", tenant),
                ("@id", id),
                ("@at", at)
            )
        );
}
