using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Warnings, a row an account.</summary>
public sealed class SqlSecretWarnings(StoreDatabase database) : ISecretWarnings
{
    public Task<bool> TellAsync(string tenant, AccountKey account, long expiresAt, int days, byte[]? detail, long at) =>
        database.Writer.WriteAsync(session =>
        {
            var changed = session.Run(
                """
                INSERT INTO secret_warnings (account, expires_at, days)
                SELECT number, ?2, ?3 FROM accounts WHERE number = ?1 AND deleted_at IS NULL
                ON CONFLICT (account) DO UPDATE SET expires_at = excluded.expires_at, days = excluded.days
                WHERE secret_warnings.expires_at <> excluded.expires_at OR secret_warnings.days > excluded.days
                """,
                account.Number,
                expiresAt,
                days
            );
            if (changed > 0)
                database.Writer.Events.AppendOther(tenant, EventType.AccountSecretExpiring, account, detail, at);
            return changed > 0;
        });
}
