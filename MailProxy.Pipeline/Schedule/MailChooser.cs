using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// Gives the mail whose turn it is a permit and hands it on with the account that it goes by, or parks its lane at the limit that refused.
/// Used by the scheduler's loop only.
/// </summary>
internal sealed class MailChooser(
    ActiveQueue queue,
    LaneKeeper lanes,
    AccountGate gate,
    Standstill standstill,
    ChannelWriter<DueMail> next,
    PipelineMetrics metrics,
    TimeProvider clock
)
{
    private const int Picks = 32;

    // Time for the one that goes first to be chosen (milliseconds).
    private const long BehindFirst = 20;

    // A batch of the lane that was chosen last has few tickets left, and the disk has more of it.
    private bool _isShort;

    private readonly TenantTurns _turns = new();
    private readonly AccountTurns _accounts = new();
    private readonly List<(PoolCandidate Candidate, Candidacy Now)> _standing = [];

    // Accounts of the pool under way whose permit was refused just now.
    private readonly Dictionary<PoolCandidate, Candidacy> _refused = [];

    /// <summary>
    /// Capacity downstream comes first, then the choice, so that urgent mail wins until the last moment. True: there may be more to choose.
    /// </summary>
    public bool Choose(SchedulerWait wait)
    {
        _isShort = false;
        for (var i = 0; i < Picks && !_isShort; i++)
        {
            if (standstill.Stands || queue.Next() is not { } lane || !wait.HasCapacity())
                return false;
            if (!ChooseOf(lane))
                return !wait.HasCapacity();
        }

        return true;
    }

    // False: the pipeline is coming down.
    private bool ChooseOf(MailLane lane, bool isInstead = false)
    {
        if (lane.Candidates is { } candidates && lanes.Directory.PoolOf(lane.Key) is { } pool)
            return ChooseOf(pool, lane, candidates, isInstead);
        if (lanes.Directory.OfLane(lane.Key) is not { } account)
            throw new InvalidOperationException("A lane without an account was chosen.");
        if (_turns.Before(account.Tenant, lane) is { } first)
        {
            ParkBehind(lane, first);
            return true;
        }

        if (lane.IsInPool && !isInstead && _accounts.Before(account.Key, lane) is { } other)
            return ChooseOf(other, isInstead: true);
        var answer = gate.Ask(account, lane.First.Recipients);
        if (answer.Refusal is null)
        {
            _turns.Granted(account.Tenant, lane);
            _accounts.Granted(account.Key, lane);
        }

        if (answer.Refusal is not { } refusal || answer.Fail)
            return Hand(lane, account.Key, answer.Permit ?? RefusedPermit.AtLimit($"{Name(answer.Owner)} {answer.Refusal}"));
        Park(lane, account, answer.Owner, refusal);
        return true;
    }

    // The account comes with the permit; one that is refused at its own limit is passed over.
    private bool ChooseOf(Pool pool, MailLane lane, IReadOnlyList<PoolCandidate> candidates, bool isInstead)
    {
        if (_turns.Before(pool.Tenant, lane) is { } first)
        {
            ParkBehind(lane, first);
            return true;
        }

        var ticket = lane.Passed.With(lane.First);
        _refused.Clear();
        Candidacy Standing(PoolCandidate candidate) =>
            _refused.TryGetValue(candidate, out var refused)
                ? refused
                : PoolRouter.Of(candidate, ticket.NotBy, queue.IsBusy(candidate.Lane), NoRoom(candidate));
        long? NoRoom(PoolCandidate candidate) =>
            ticket.Passed?.Until(candidate.Account.Key) is { } until && until > lanes.Now ? until : null;
        while (PoolRouter.Choose(pool.Strategy, candidates, candidate => Standing(candidate).State) is { } chosen)
        {
            if (!isInstead && _accounts.Before(chosen.Account.Key, lane) is { } other)
                return ChooseOf(other, isInstead: true);
            var answer = gate.Ask(chosen.Account, ticket.Recipients);
            if (answer.Refusal is not { } refusal)
            {
                _turns.Granted(pool.Tenant, lane);
                foreach (var candidate in candidates)
                    _accounts.Granted(candidate.Account.Key, lane);
                return Hand(lane, chosen.Account.Key, answer.Permit!, chosen.Lane);
            }

            if (answer.Owner != LimitScope.Account)
            {
                if (answer.Fail)
                    return Hand(lane, chosen.Account.Key, RefusedPermit.AtLimit($"{Name(answer.Owner)} {refusal}"), chosen.Lane);
                Park(lane, chosen.Account, answer.Owner, refusal);
                return true;
            }

            // Where an account's own mail fails at its limit, that must not wait because a pool has asked.
            if (!answer.Fail)
                Park(chosen.Lane, chosen.Account, answer.Owner, refusal);
            _refused[chosen] = new(CandidateState.AtLimit, Now() + (long)refusal.RetryAfter.TotalMilliseconds + 1, refusal.ToString());
        }

        _standing.Clear();
        foreach (var candidate in candidates)
        {
            var standing = Standing(candidate);
            _standing.Add((candidate, standing));
            if (standing.State == CandidateState.AtLimit)
                _accounts.Waits(candidate.Account.Key, lane);
        }

        if (_standing.Count > 0 && _standing.TrueForAll(static one => one.Now.State == CandidateState.Excluded))
            return Hand(lane, candidates[0].Account.Key, RefusedPermit.OfPool(pool));
        if (_standing.Find(static one => one.Now.State == CandidateState.NoRoom).Candidate is { } passed)
            return PassBy(lane, passed.Account.Key);
        lane.AtLimit = PoolWaits.Of(pool, _standing, Now());
        queue.Waited(lane, Now());
        return true;
    }

    // Others behind it may go by the accounts that have no room for this one only, so it must not keep them waiting.
    private bool PassBy(MailLane lane, AccountKey account)
    {
        var now = Now();
        if (!lane.StandBy.IsFull && _standing.Exists(static one => one.Now.State is CandidateState.Busy or CandidateState.Probed))
        {
            var ticket = queue.Take(lane);
            _isShort = lane.TakeShort();
            lane.StandBy.Add(ticket, now + PoolWaits.Busy);
            queue.SetAside(lane, ticket);
            return true;
        }

        return Hand(lane, account, new PutOffPermit(PoolWaits.TurnOf(_standing, now)));
    }

    /// <summary>Forgets the turns of lanes that wait because their account is gone.</summary>
    public void ForgetDeleted()
    {
        _turns.ForgetDeleted();
        _accounts.ForgetDeleted();
    }

    private void Park(MailLane lane, SmtpAccount account, LimitScope owner, LimitRefusal refusal)
    {
        // Read again, for the turn may have waited for the store; and a millisecond more, because both clocks are cut to whole ones.
        var now = Now();
        var until = now + (long)Math.Ceiling(refusal.RetryAfter.TotalMilliseconds) + 1;
        Count(account, owner);
        if (owner == LimitScope.Installation)
        {
            // Nobody may send, and the lane keeps its turn: else the order of waking would decide who goes first each time.
            standstill.Limit = new(until, $"the installation {refusal}");
            return;
        }

        if (owner == LimitScope.Tenant)
            _turns.Refused(account.Tenant, lane);
        else if (lane.IsInPool && lane.Count > 0)
            _accounts.Waits(account.Key, lane);
        lane.AtLimit =
            owner == LimitScope.Tenant
                ? new(until, $"the tenant {refusal}") { OfTenant = true }
                : new(until, refusal.ToString()) { IsSlowed = refusal.Adapted is not null };
        queue.Waited(lane, now);
    }

    private void ParkBehind(MailLane lane, MailLane first)
    {
        var now = Now();
        lane.AtLimit = new(
            Math.Max(first.AtLimit?.Until ?? now, now) + BehindFirst,
            first.AtLimit?.Reason ?? "the tenant's limit lets another account go first"
        )
        {
            OfTenant = true,
        };
        queue.Waited(lane, now);
    }

    private void Count(SmtpAccount account, LimitScope owner)
    {
        var (label, scope) = owner switch
        {
            LimitScope.Installation => (new AccountLabel("", ""), PipelineMetrics.InstallationLimit),
            LimitScope.Tenant => (new AccountLabel(account.Tenant, ""), PipelineMetrics.TenantLimit),
            _ => (account.Label, PipelineMetrics.AccountLimit),
        };
        metrics.PermitsRefused.Of(label, scope).Inc();
    }

    // False: the channel was completed though it had capacity. The pipeline is coming down, and the next wait says so.
    private bool Hand(MailLane lane, AccountKey account, SendPermit permit, MailLane? lender = null)
    {
        var by = lender ?? lane;
        var isProbe = by.HalfOpen;
        by.Meter.Add(lanes.Now);
        var ticket = lane.Passed.With(queue.Take(lane, lender));
        lane.Passed.Forget(ticket);
        _isShort = lane.TakeShort();
        if (next.TryWrite(new(ticket, account, permit) { IsProbe = isProbe }))
            return true;
        permit.Dispose();
        queue.Return(lane, ticket);
        return false;
    }

    private static string Name(LimitScope owner) =>
        owner switch
        {
            LimitScope.Installation => "the installation",
            LimitScope.Tenant => "the tenant",
            _ => "the account",
        };

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();
}
