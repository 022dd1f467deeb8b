using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Schedule;

/// <summary>The reason why a lane's mail waits. Safe to call from any thread.</summary>
internal sealed class LaneReasons(
    ActiveQueue queue,
    Standstill standstill,
    CurrentAccounts accounts,
    ILeases leases,
    TimeProvider clock,
    Func<long> pendingStep
)
{
    /// <summary>Mail is overdue when it waits longer than this (milliseconds) without a reason.</summary>
    private const long Overdue = 60_000;

    private const long Flicker = 1000;

    private const string Probed = "the account's circuit is half-open: one message tries it, and the others go when that has got through";

    public LaneStatus Status(LaneKey key)
    {
        var lane = queue.Find(key);
        var first = First(key, lane);
        return new(first.State, first.Until, first.Reason, (lane?.InFlight ?? 0) + (lane?.Lent ?? 0), lane?.Count ?? 0);
    }

    /// <summary>Everything that holds the lane's mail now, in the order in which mail meets it; empty: nothing.</summary>
    public IReadOnlyList<LaneGate> Gates(LaneKey key) => [.. Gates(key, queue.Find(key))];

    /// <summary>Whether the lane has a reason to wait, or had one so lately that its mail cannot be called overdue.</summary>
    public bool IsExcused(LaneKey key)
    {
        var lane = queue.Find(key);
        if (First(key, lane).State is not (LaneState.Ready or LaneState.Busy))
            return true;
        var waited = Math.Max(
            lane?.WaitedLast ?? long.MinValue,
            Math.Max(lane?.Tenant.HeldBackLast ?? long.MinValue, standstill.StoodLast)
        );
        return waited > clock.GetUtcNow().ToUnixTimeMilliseconds() - Overdue;
    }

    private LaneGate First(LaneKey key, MailLane? lane)
    {
        foreach (var gate in Gates(key, lane))
            return gate;
        return new(LaneState.Ready, null, null);
    }

    private IEnumerable<LaneGate> Gates(LaneKey key, MailLane? lane)
    {
        var directory = accounts.Directory;
        if (directory.TenantOf(key) is not { } tenant)
        {
            var what = Lanes.PoolOf(key) is null ? "account" : "pool";
            yield return new(LaneState.UnknownAccount, null, $"the {what} does not exist any more");
            yield break;
        }

        if (directory.Tenants.IsSuspended(tenant))
            yield return new(LaneState.TenantSuspended, null, "sending is suspended for the tenant");
        if (directory.OfLane(key) is { Paused: true })
            yield return new(LaneState.Paused, null, "the account is paused");
        else if (directory.PoolOf(key) is { } pool && directory.MembersOf(pool).All(static member => member.Account.Paused))
            yield return new(LaneState.PoolWaits, null, NoneOf(pool, directory));
        var isHere = leases.Now is var view && view.Holds(key);
        if (!isHere)
        {
            // The other node has written that, and sends nothing as long as it lasts.
            if (lane?.BackingOff is { } known)
                yield return new(LaneState.BackingOff, known.Until, known.Reason);
            yield return view.HolderOf(key) is { } node
                ? new(LaneState.OtherNode, null, $"the node '{node}' sends its mail, and says why mail of it waits")
                : new(LaneState.NoNode, null, "no node sends its mail at the moment; one takes it over within seconds");
        }

        var all = standstill.Reason();
        if (all.State is LaneState.Suspended or LaneState.StoreTrouble)
            yield return all;
        if (isHere && lane?.BackingOff is { } backingOff)
            yield return new(LaneState.BackingOff, backingOff.Until + Math.Min(0, pendingStep()), backingOff.Reason);
        if (lane is { IsProbed: true })
            yield return new(LaneState.Probed, null, Probed);
        if (lane?.AtLimit is { } limit)
            yield return new(StateOf(limit), limit.Until + pendingStep(), limit.Reason);
        if (all.State == LaneState.InstallationAtLimit)
            yield return all with
            {
                Until = all.Until + pendingStep(),
            };
        if (lane is not null && IsAtShare(lane))
            yield return new(LaneState.TenantAtShare, null, AtShare(tenant));
        if (lane is { IsProbed: false } && queue.IsBusy(lane))
            yield return new(LaneState.Busy, null, Busy(lane));
    }

    private static string NoneOf(Pool pool, AccountDirectory directory) =>
        directory.MembersOf(pool).Any() ? $"every account of the pool '{pool.Id}' is paused" : $"no account of the pool '{pool.Id}' exists";

    private static LaneState StateOf(LanePark limit) =>
        limit.OfTenant ? LaneState.TenantAtLimit
        : limit.OfPool ? LaneState.PoolWaits
        : limit.IsSlowed ? LaneState.Slowed
        : LaneState.AtLimit;

    private static string Busy(MailLane lane) =>
        (lane.Candidates is null ? "the account has" : "the pool's accounts have")
        + $" {lane.InFlight + lane.Lent} attempts under way and may have no more (max_connections for each of 1 + Send:MarksAhead, "
        + "a quarter of Schedule:InFlight at most);"
        + " the next goes when one of them ends";

    // A tenant at its share is below it for a moment whenever one of its attempts ends.
    private bool IsAtShare(MailLane lane) =>
        queue.IsAtShare(lane) || lane.Tenant.HeldBackLast > clock.GetUtcNow().ToUnixTimeMilliseconds() - Flicker;

    private string AtShare(string tenant)
    {
        var (held, allowed) = queue.InFlightOf(tenant);
        return $"the tenant has {held} attempts under way and its share is {allowed}, as long as other tenants are there; the "
            + "next goes when one of them ends."
            + " Servers that do not answer hold attempts longest: pause their accounts, or raise Schedule:InFlight";
    }
}
