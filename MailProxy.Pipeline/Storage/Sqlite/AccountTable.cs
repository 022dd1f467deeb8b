using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Mail;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Unfinished mail keeps its account; the counts of its limits go with it.</summary>
internal sealed class AccountTable : TableRules<SmtpAccount>
{
    public override bool IsInUse(SqliteConnection db, Resource<SmtpAccount> resource, long now) =>
        db.QueryNumber(
            """
            SELECT EXISTS (SELECT 1 FROM queue WHERE state = 0 AND lane = @lane)
                OR EXISTS (SELECT 1 FROM queue INDEXED BY queue_unready WHERE state <> 0 AND lane = @lane)
            """,
            ("@lane", Lanes.Of(KeyOf(resource)).Number)
        ) == 1;

    public override void Deleting(SqliteConnection db, Resource<SmtpAccount> resource, string actor, long now) =>
        db.Run("DELETE FROM limit_uses WHERE key = @key", ("@key", LimitKey.Of(KeyOf(resource)).Stored));

    private static AccountKey KeyOf(Resource<SmtpAccount> resource) => new(resource.Number);
}
