using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Unfinished mail keeps its pool.</summary>
internal sealed class PoolTable : TableRules<Pool>
{
    public override bool IsInUse(Session session, Resource<Pool> resource, long now) =>
        session.QueryNumber(
            """
            SELECT EXISTS (SELECT 1 FROM queue WHERE state = 0 AND lane = ?1)
                OR EXISTS (SELECT 1 FROM queue INDEXED BY queue_unready WHERE state <> 0 AND lane = ?1)
            """,
            Lanes.Of(new PoolKey(resource.Number)).Number
        ) == 1;
}
