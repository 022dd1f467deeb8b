using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Schedule;

/// <summary>How lanes of pools follow their accounts. Used by the scheduler's loop only.</summary>
internal static class PoolLanes
{
    /// <summary>Makes a lane that of the pool as it is now.</summary>
    public static void See(
        MailLane lane,
        Pool pool,
        AccountDirectory directory,
        Func<LaneKey, MailLane> laneOf,
        Func<SmtpAccount, int> capOf
    )
    {
        lane.Unknown = lane.Gone = false;
        PoolCandidate[] candidates =
        [
            .. directory
                .MembersOf(pool)
                .Select(member => new PoolCandidate(member.Account, member.Weight, laneOf(Lanes.Of(member.Account.Key)))),
        ];
        lane.Candidates = candidates;
        lane.Paused = directory.Tenants.IsSuspended(pool.Tenant) || candidates.Length == 0 || candidates.All(static c => c.Account.Paused);
        lane.InFlightCap = Math.Max(1, candidates.Sum(candidate => capOf(candidate.Account)));
        lane.AtLimit = null;
    }

    /// <summary>A ticket comes back unsent; perhaps because the account that was chosen for it has no room.</summary>
    public static void Returned(MailLane lane, in QueuedMail ticket, long now)
    {
        if (ticket.Passed is not { } passed || lane.Candidates is not { } candidates)
            return;
        lane.Passed.Keep(ticket, now);
        PoolRouter.Return(candidates, passed.By);
    }

    /// <summary>An account stands better, or otherwise: pools that wait for one of their accounts choose anew.</summary>
    public static void AskAgain(ActiveQueue queue, AccountDirectory directory, LaneKey key, long now)
    {
        if (directory.OfLane(key) is not { } account)
            return;
        foreach (var pool in directory.Pools.With(account.Tenant, account.Id))
        {
            if (queue.Find(Lanes.Of(pool.Key)) is not { } lane)
                continue;
            if (lane.AtLimit is { OfPool: true })
            {
                lane.AtLimit = null;
                queue.Waited(lane, now);
            }

            queue.EndStandBy(lane);
        }
    }
}
