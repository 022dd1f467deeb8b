using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Unfinished mail keeps its pool.</summary>
internal sealed class PoolTable : TableRules<Pool>
{
    public override bool IsInUse(Session session, Resource<Pool> resource, long now) =>
        session.QueryNumber("SELECT " + QueueRows.LaneHasMail, Lanes.Of(new PoolKey(resource.Number)).Number) == 1;
}
