using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Unfinished mail keeps its account; the counts of its limits go with it.</summary>
internal sealed class AccountTable : TableRules<SmtpAccount>
{
    public override bool IsInUse(Session session, Resource<SmtpAccount> resource, long now) =>
        session.QueryNumber(
            $$"""
            SELECT {{QueueRows.LaneHasMail}}
                OR EXISTS (
                    SELECT 1 FROM pools p
                    JOIN json_each(CASE WHEN json_valid(p.config) THEN p.config ELSE '{}' END, '$.accounts') a
                    WHERE p.tenant = ?2 AND CASE WHEN a.type = 'object' THEN a.value ->> 'id' END = ?3
                )
            """,
            Lanes.Of(KeyOf(resource)).Number,
            resource.Tenant,
            resource.Id
        ) == 1;

    public override void Deleting(Session session, Resource<SmtpAccount> resource, string actor, long now)
    {
        session.Run("DELETE FROM limit_uses WHERE key = ?1", LimitKey.Of(KeyOf(resource)).Stored);
        session.Run("DELETE FROM refresh_tokens WHERE account = ?1", resource.Number);
        session.Run("DELETE FROM account_circuits WHERE account = ?1", resource.Number);
        session.Run("DELETE FROM secret_warnings WHERE account = ?1", resource.Number);
    }

    private static AccountKey KeyOf(Resource<SmtpAccount> resource) => new(resource.Number);
}
