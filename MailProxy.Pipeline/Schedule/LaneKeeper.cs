using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Schedule;

/// <summary>Applies wakes, changed accounts and steps of the clock to the lanes. Used by the scheduler's loop only.</summary>
/// <param name="ahead">Mails that a lane may have under way for each connection, beside the one that is on it.</param>
internal sealed partial class LaneKeeper(
    ActiveQueue queue,
    IMessageStore store,
    CurrentAccounts accounts,
    ILeases leases,
    int ahead,
    TimeProvider clock,
    ILogger logger
)
{
    private const long ClaimPause = 60_000;

    private readonly ClockWatch _clock = new(clock);
    private BatchWeights _weights = BatchWeights.None;
    private LeaseView? _view;

    /// <summary>The directory that the lanes reflect.</summary>
    public AccountDirectory Directory { get; private set; } = AccountDirectory.Empty;

    /// <summary>Unix milliseconds, as of the last reading.</summary>
    public long Now => _clock.Now;

    /// <summary>By how many milliseconds the clock has stepped since, which no wait was corrected for yet. From any thread.</summary>
    public long PendingStep => _clock.Pending();

    public MailLane Lane(LaneKey key)
    {
        var lane = queue.Lane(key, out var made, Directory.TenantOf(key) ?? "");
        if (!made)
            return lane;
        SeeHolder(lane);
        See(lane, Directory);

        // Not when the account of a lane goes: it had no unfinished mail then, and what the lane believes of the disk may be old.
        if (lane.Unknown)
            Log.UnknownAccount(logger, key.Number);
        return lane;
    }

    /// <summary>
    /// Reads the clock. True when it has stepped: waits were measured by it, so limits are asked again (they know better), and a back-off
    /// keeps its length when the step was back.
    /// </summary>
    public bool ReadClock()
    {
        var step = _clock.Read();
        if (step == 0)
            return false;
        Log.ClockStepped(logger, step);
        foreach (var lane in queue.Lanes)
        {
            lane.AtLimit = null;
            if (step < 0 && lane.BackingOff is { } park)
                lane.BackingOff = park with { Until = park.Until + step };
            queue.Waited(lane, Now);
        }

        return true;
    }

    /// <summary>True: the accounts have changed since the last look.</summary>
    public bool SeeAccounts()
    {
        SeeWeights();
        var now = accounts.Directory;
        if (now == Directory)
            return false;
        var before = Directory;
        Directory = now;
        var changed =
            ReferenceEquals(now.Tenants, before.Tenants) && ReferenceEquals(now.Pools, before.Pools)
                ? now.ChangedSince(before).SelectMany(now.LanesWith).Select(queue.Find)
                : queue.Lanes;
        foreach (var lane in changed.OfType<MailLane>().ToArray())
        {
            // What was deleted has no mail left; what the lane knows of the disk is older than that.
            if (now.TenantOf(lane.Key) is null && before.TenantOf(lane.Key) is not null)
                queue.Drop(lane);
            else
                See(lane, before);
        }

        return true;
    }

    /// <summary>Sends for what this node holds, and lets go of the rest.</summary>
    public void SeeLeases(LeaseView view)
    {
        if (ReferenceEquals(view, _view))
            return;
        _view = view;
        foreach (var lane in queue.Lanes)
        {
            if (lane.Elsewhere == view.Holds(lane.Key))
                SeeHolder(lane);
        }
    }

    private void SeeHolder(MailLane lane)
    {
        lane.Elsewhere = _view is null || !_view.Holds(lane.Key);
        queue.Waited(lane, Now);
    }

    private void SeeWeights()
    {
        if (ReferenceEquals(_weights, accounts.Weights))
            return;
        _weights = accounts.Weights;
        foreach (var lane in queue.Lanes)
        {
            lane.Weigh(_weights.Of(lane.Tenant.Tenant));
            queue.Waited(lane, Now);
        }
    }

    /// <param name="back">Under which keys permits came back unspent.</param>
    public void Apply(WakeSet news, IReadOnlyCollection<LimitKey> back)
    {
        foreach (var account in news.Unparked)
        {
            if (queue.Find(Lanes.Of(account)) is { } lane)
                BackOff(lane, null, halfOpen: false);
        }

        foreach (var key in back)
            AskLimitAgain(key);

        foreach (var account in news.Hurried)
        {
            if (queue.Find(Lanes.Of(account)) is { AtLimit.IsSlowed: true } lane)
                AskLimitAgain(lane);
        }

        foreach (var (account, (until, trouble)) in news.Parked)
        {
            if (Known(Lanes.Of(account)) is { Gone: false } lane)
                BackOff(lane, LanePark.Open(trouble, until), halfOpen: false);
        }

        foreach (var ticket in news.Aside)
        {
            if (queue.Find(ticket.Lane) is { } lane)
                queue.SetAside(lane, ticket);
        }

        foreach (var ticket in news.Answered)
        {
            if (queue.Find(ticket.Lane) is { } lane)
                queue.Answered(lane, ticket);
        }

        // Claims end before the lanes look at the disk again.
        foreach (var ticket in news.Done)
        {
            if (queue.Find(ticket.Lane) is { } lane)
            {
                queue.Done(lane, ticket);
                DropWhenGone(lane);
            }

            store.Release(ticket);
        }

        foreach (var ticket in news.Returned)
        {
            if (Known(ticket.Lane) is { } lane)
            {
                PoolLanes.Returned(lane, ticket, Now);
                queue.Return(lane, ticket);
                DropWhenGone(lane);
            }
            else
            {
                store.Release(ticket);
            }
        }

        foreach (var (key, due) in news.DueByLane)
        {
            if (Known(key) is not { Gone: false } lane)
                continue;
            queue.DiskHas(lane, due, Now);
            if (lane.Elsewhere)
                leases.WakeHolder(key, due);
        }

        foreach (var account in queue.TakeFreed())
            AskPoolsAgain(account.Key);
    }

    /// <summary>Every lane looks at the disk, and who backs off is tried now.</summary>
    public void LookAtAll()
    {
        foreach (var account in Directory.All)
            Lane(Lanes.Of(account.Key));
        foreach (var pool in Directory.Pools.All)
            Lane(Lanes.Of(pool.Key));
        foreach (var lane in queue.Lanes)
        {
            if (lane.BackingOff is not null)
                BackOff(lane, null, halfOpen: true);
            queue.DiskHas(lane, 0, Now);
        }
    }

    /// <summary>The lane's mail could not be read from the store; the lane asks again later.</summary>
    public void CannotClaim(MailLane lane, Exception trouble)
    {
        Log.CannotClaim(logger, lane.Key.Number, trouble);
        queue.DiskHas(lane, Now + ClaimPause, Now);
    }

    // News of a deleted account makes no lane again.
    private MailLane? Known(LaneKey key) => queue.Find(key) ?? (Directory.TenantOf(key) is null ? null : Lane(key));

    private void DropWhenGone(MailLane lane)
    {
        if (lane.Gone)
            queue.Drop(lane);
    }

    // The wait was computed with the permit as used. It is of use to whom it was taken for, and what one account of a tenant did not spend
    // another one may; everybody else waits for other permits.
    private void AskLimitAgain(LimitKey key)
    {
        if (key.Scope == LimitScope.Account && queue.Find(Lanes.Of(new AccountKey(key.Number))) is { AtLimit.OfTenant: false } own)
            AskLimitAgain(own);
        if (key.Scope != LimitScope.Tenant || Directory.Tenants.Find(key.Number) is not { } tenant)
            return;
        foreach (var lane in queue.AtLimitOf(tenant.Id).ToArray())
            AskLimitAgain(lane);
    }

    private void AskLimitAgain(MailLane lane)
    {
        lane.AtLimit = null;
        queue.Waited(lane, Now);
        AskPoolsAgain(lane.Key);
    }

    private void BackOff(MailLane lane, LanePark? park, bool halfOpen)
    {
        (lane.BackingOff, lane.HalfOpen) = (park, halfOpen);
        lane.PassedTurn = 0;
        queue.Waited(lane, Now);
        AskPoolsAgain(lane.Key);
    }

    private void AskPoolsAgain(LaneKey key) => PoolLanes.AskAgain(queue, Directory, key, Now);

    private void SeePool(MailLane lane, Pool pool)
    {
        queue.Belongs(lane, pool.Tenant);
        queue.EndStandBy(lane);
        PoolLanes.See(lane, pool, Directory, Lane, CapOf);
        lane.Weigh(_weights.Of(pool.Tenant));
        queue.Waited(lane, Now);
    }

    private int CapOf(SmtpAccount account) => account.MaxConnections * Math.Max(1 + ahead, account.UnansweredMails);

    private void See(MailLane lane, AccountDirectory before)
    {
        if (Directory.PoolOf(lane.Key) is { } pool)
        {
            SeePool(lane, pool);
            return;
        }

        var account = Directory.OfLane(lane.Key);
        lane.IsInPool = account is not null && Directory.Pools.With(account.Tenant, account.Id).Any();
        if (account is not null)
        {
            queue.Belongs(lane, account.Tenant);
            lane.Weigh(_weights.Of(account.Tenant));
        }

        lane.Unknown = account is null;
        lane.Gone &= lane.Unknown;
        lane.Paused = account is { Paused: true } or { TenantSuspended: true };
        lane.InFlightCap = account is null ? 1 + ahead : CapOf(account);
        // A changed account deserves a new look; that its trouble is over, Report tells.
        if (account?.Version != before.OfLane(lane.Key)?.Version)
            (lane.AtLimit, lane.PassedTurn) = (null, 0);
        if (account is not null && Directory.Tenants.Find(account.Tenant)?.Limits != before.Tenants.Find(account.Tenant)?.Limits)
            lane.AtLimit = null;
        queue.Waited(lane, Now);
    }

    private static partial class Log
    {
        [LoggerMessage(301, LogLevel.Warning, "There is mail of account {Account}, which does not exist any more; it waits")]
        public static partial void UnknownAccount(ILogger logger, int account);

        [LoggerMessage(303, LogLevel.Error, "The mail of account {Account} could not be read from the store; again in a minute")]
        public static partial void CannotClaim(ILogger logger, int account, Exception trouble);

        [LoggerMessage(302, LogLevel.Warning, "The clock stepped by {Milliseconds} ms; waiting times are looked at again")]
        public static partial void ClockStepped(ILogger logger, long milliseconds);
    }
}
