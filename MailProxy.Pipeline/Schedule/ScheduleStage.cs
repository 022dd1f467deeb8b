using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// Chooses which mail goes next. One loop, the only one that waits on time; it asks the store when something is known to be there and never
/// else.
/// </summary>
internal sealed partial class ScheduleStage
{
    private const int ChannelBatch = 1024,
        Pages = 4,
        Picks = 32;

    /// <summary>How long (milliseconds) a store that cannot be asked is left alone.</summary>
    private const long StorePause = 1000;

    // Time for the one that goes first to be chosen (milliseconds).
    private const long BehindFirst = 20;

    private readonly ChannelReader<QueuedMail> _input;
    private readonly Wake _wake;
    private readonly IMessageStore _store;
    private readonly CurrentAccounts _accounts;
    private readonly AccountGate _gate;
    private readonly ChannelWriter<DueMail> _next;
    private readonly PipelineHealth _health;
    private readonly PipelineMetrics _metrics;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private long _givenBack;
    private readonly ActiveQueue _queue;
    private readonly Standstill _standstill;
    private readonly LaneReasons _reasons;
    private readonly ExpiryWatch _expiry;
    private readonly LaneKeeper _lanes;
    private readonly TenantTurns _turns = new();
    private volatile bool _lookAtAll;

    public ScheduleStage(
        ChannelReader<QueuedMail> input,
        Wake wake,
        IMessageStore store,
        CurrentAccounts accounts,
        AccountGate gate,
        ChannelWriter<DueMail> next,
        PipelineHealth health,
        PipelineMetrics metrics,
        ScheduleOptions options,
        TimeProvider clock,
        ILogger logger,
        TenantShare? share = null,
        int marksAhead = 1
    )
    {
        (_input, _wake, _store, _accounts, _gate, _next) = (input, wake, store, accounts, gate, next);
        (_health, _metrics, _clock, _logger) = (health, metrics, clock, logger);
        _queue = new(options.Window, options.InFlight, options.Page, store.Release, share);
        _standstill = new(health);
        _expiry = new(store, options.ExpiryChunk, logger);
        _lanes = new(_queue, store, accounts, Math.Max(1, marksAhead), clock, logger);
        _reasons = new(_queue, _standstill, accounts, clock, () => _lanes.PendingStep);
    }

    // ── What others ask of it, from any thread ──

    /// <summary>Nothing is chosen until <see cref="Activate"/>; what is on its way goes on.</summary>
    public void Suspend() => SetSuspended(true);

    public void Activate() => SetSuspended(false);

    public bool IsSuspended => _standstill.Suspended;

    /// <summary>Looks at everything at once: every lane, what may expire, and accounts that back off. Limits still hold.</summary>
    public void RunNow()
    {
        _lookAtAll = true;
        _wake.Look();
    }

    /// <summary>A stored mail expires then.</summary>
    public void ExpiryHint(long at)
    {
        if (_expiry.Hint(at))
            _wake.Look();
    }

    /// <summary>Why a lane's mail waits, or that it does not.</summary>
    public LaneStatus Status(LaneKey lane) => _reasons.Status(lane);

    /// <summary>What of a tenant is on its way and in memory, and how much may be.</summary>
    public void ShowIn(TenantShares shares)
    {
        shares.Add("attempts", _queue.InFlightOf, () => _queue.HeldBack);
        shares.Add("tickets", _queue.TicketsOf);
    }

    /// <summary>Whether the lane waits for a reason, or did so within the last minute: then its mail is not overdue.</summary>
    public bool IsExcused(LaneKey lane) => _reasons.IsExcused(lane);

    /// <summary>How many lanes there are.</summary>
    public int LaneCount => _queue.Lanes.Count();

    // ── The loop ──

    /// <summary>
    /// Runs until <paramref name="stop"/>, then gives its tickets back. What was counted against limits before the restart is taken over
    /// here.
    /// </summary>
    public async Task RunAsync(Recovery recovery, bool suspended, CancellationToken stop)
    {
        _lanes.ReadClock();
        var now = _lanes.Now;
        _standstill.Suspended = suspended;
        _standstill.Start(now);
        _expiry.Next = recovery.NextExpiry;
        _gate.Seed(recovery.LimitUses);
        _lanes.SeeAccounts();
        foreach (var (lane, due) in recovery.Lanes)
            _queue.DiskHas(_lanes.Lane(lane), due, now);

        _accounts.Changed += _wake.Look;
        _health.Changed += _wake.Look;
        try
        {
            await using var wait = new SchedulerWait(_input, _next, _wake, _clock);
            await using var stopping = stop.Register(_wake.Look);
            while (!stop.IsCancellationRequested && !wait.NextClosed)
            {
                if (!await TurnAsync(wait))
                    await wait.UntilAsync(NextTime());
            }
        }
        finally
        {
            _accounts.Changed -= _wake.Look;
            _health.Changed -= _wake.Look;
            LetGo();
        }
    }

    private void LetGo()
    {
        while (_input.TryRead(out var ticket))
            _store.Release(ticket);
        var news = _wake.Drain();
        foreach (var ticket in news.Done)
            _store.Release(ticket);
        foreach (var ticket in news.Returned.Concat(news.Aside))
            _store.Release(ticket);
        _queue.Clear();
    }

    // True: there is more to do at once.
    private async ValueTask<bool> TurnAsync(SchedulerWait wait)
    {
        if (_lanes.ReadClock())
            _standstill.Limit = _standstill.Store = null;
        var now = _lanes.Now;
        _lanes.SeeAccounts();
        var more = TakeTickets(now);
        var news = _wake.Drain();
        var limitsMayOpen = news.Done.Count + news.Aside.Count > 0 && PermitsCameBack();
        if (limitsMayOpen)
            _standstill.Limit = null;
        _lanes.Apply(news, limitsMayOpen);
        if (_lookAtAll)
        {
            _lookAtAll = false;
            _expiry.Next = now;
            _lanes.LookAtAll();
        }

        _queue.Advance(now);
        _standstill.Advance(now);
        if (_standstill.StoreInTrouble)
            return more;

        try
        {
            more |= await _expiry.SweepAsync(now);
            if (!_standstill.Suspended)
                more |= await RefillAsync(now);
        }
        catch (StoreUnavailableException error)
        {
            _standstill.Store = new(now + StorePause, error.Message);
            Log.StoreUnavailable(_logger, error.Message);
            return more;
        }

        return Choose(wait) || more || (!_standstill.Suspended && _queue.NeedsRefill);
    }

    private bool TakeTickets(long now)
    {
        for (var i = 0; i < ChannelBatch; i++)
        {
            if (!_input.TryRead(out var ticket))
                return false;
            var lane = _lanes.Lane(ticket.Lane);
            if (ticket.Due <= now)
                _queue.Offer(lane, ticket);
            else
            {
                // Its time has not come, so it is the disk's.
                _store.Release(ticket);
                _queue.DiskHas(lane, ticket.Due, now);
            }
        }

        return true;
    }

    // A few pages at a time, so that many lanes to refill do not hold up the others.
    private async ValueTask<bool> RefillAsync(long now)
    {
        for (var i = 0; i < Pages; i++)
        {
            if (_queue.NextToRefill(out var count, out var lowest) is not { } lane)
                return false;
            try
            {
                var page = await _store.ClaimAsync(lane.Key, new(count, now, lowest));
                _queue.Fill(lane, page.Tickets, page.More, page.NextDue, count, lowest);
            }
            catch (StoreUnavailableException)
            {
                _queue.DiskHas(lane, 0, now);
                throw;
            }
            catch (Exception error)
            {
                _lanes.CannotClaim(lane, error); // whatever a stored row made of it: the others go on
            }
        }

        return true;
    }

    // First capacity downstream, then the choice, so that urgent mail wins until the last moment.
    private bool Choose(SchedulerWait wait)
    {
        for (var i = 0; i < Picks; i++)
        {
            if (_standstill.Stands || _queue.Next() is not { } lane || !wait.HasCapacity())
                return false;
            if (_lanes.Directory.OfLane(lane.Key) is not { } account)
                throw new InvalidOperationException("A lane without an account was chosen.");

            if (_turns.Before(account.Tenant, lane) is { } first)
            {
                ParkBehind(lane, first);
                continue;
            }

            var answer = _gate.Ask(account, lane.First.Recipients);
            if (answer.Refusal is null)
                _turns.Granted(account.Tenant, lane);
            if (answer.Refusal is { } refusal && !answer.Fail)
                Park(lane, account, answer.Owner, refusal);
            else if (!Hand(lane, account.Key, answer.Permit ?? new RefusedPermit($"{Name(answer.Owner)} {answer.Refusal}")))
                return !wait.HasCapacity();
        }

        return true;
    }

    private void Park(MailLane lane, SmtpAccount account, LimitScope owner, LimitRefusal refusal)
    {
        // Read anew, for the turn may have waited for the store; and a millisecond more, because both clocks are cut to whole ones.
        var now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        var until = now + (long)Math.Ceiling(refusal.RetryAfter.TotalMilliseconds) + 1;
        _metrics
            .PermitsRefused.WithLabels(
                owner switch
                {
                    LimitScope.Installation => "global",
                    LimitScope.Tenant => "tenant",
                    _ => account.Id,
                }
            )
            .Inc();
        if (owner == LimitScope.Installation)
        {
            // Nobody may send, and the lane keeps its turn: else the order of waking would decide who goes first each time.
            _standstill.Limit = new(until, $"the installation {refusal}");
            return;
        }

        if (owner == LimitScope.Tenant)
            _turns.Refused(account.Tenant, lane);
        lane.AtLimit =
            owner == LimitScope.Tenant ? new(until, $"the tenant {refusal}") { OfTenant = true } : new(until, refusal.ToString());
        _queue.Waited(lane, now);
    }

    private void ParkBehind(MailLane lane, MailLane first)
    {
        var now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        lane.AtLimit = new(
            Math.Max(first.AtLimit?.Until ?? now, now) + BehindFirst,
            first.AtLimit?.Reason ?? "the tenant's limit lets another account go first"
        )
        {
            OfTenant = true,
        };
        _queue.Waited(lane, now);
    }

    private static string Name(LimitScope owner) =>
        owner switch
        {
            LimitScope.Installation => "the installation",
            LimitScope.Tenant => "the tenant",
            _ => "the account",
        };

    // False: the channel was completed though it had capacity. The pipeline is coming down, and the next rest says so.
    private bool Hand(MailLane lane, AccountKey account, SendPermit permit)
    {
        var ticket = _queue.Take(lane);
        if (_next.TryWrite(new(ticket, account, permit)))
            return true;
        permit.Dispose();
        _queue.Return(lane, ticket);
        return false;
    }

    // The earliest moment at which something is known to be to do.
    private long NextTime()
    {
        var at = Math.Min(_queue.NextLook, _standstill.NextEnd);
        return _standstill.StoreInTrouble ? at : Math.Min(at, _expiry.Next);
    }

    private bool PermitsCameBack()
    {
        var before = _givenBack;
        _givenBack = _gate.GivenBack;
        return _givenBack != before;
    }

    private void SetSuspended(bool suspended)
    {
        _standstill.Suspended = suspended;
        _wake.Look();
    }

    private static partial class Log
    {
        [LoggerMessage(300, LogLevel.Warning, "The store cannot be asked for mail; the scheduler tries again in a second: {Reason}")]
        public static partial void StoreUnavailable(ILogger logger, string reason);
    }
}
