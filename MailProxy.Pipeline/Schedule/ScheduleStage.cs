using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// Chooses which mail goes next. Its loop is the only one that waits on time; it asks the store only when mail is known to be there.
/// </summary>
internal sealed partial class ScheduleStage
{
    private const int ChannelBatch = 1024,
        Pages = 4;

    /// <summary>How long (milliseconds) a store that cannot be asked is left alone.</summary>
    private const long StorePause = 1000;

    /// <summary>How often (milliseconds) counts of limits that nobody uses are dropped.</summary>
    private const long TrimEvery = 60_000;

    private readonly ChannelReader<QueuedMail> _input;
    private readonly Wake _wake;
    private readonly IMessageStore _store;
    private readonly CurrentAccounts _accounts;
    private readonly AccountGate _gate;
    private readonly ChannelWriter<DueMail> _next;
    private readonly PipelineHealth _health;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly SlowedNews _slowed;
    private long _trimmed;
    private readonly ActiveQueue _queue;
    private readonly Standstill _standstill;
    private readonly LaneReasons _reasons;
    private readonly TicketRelease _release;
    private readonly ExpiryWatch _expiry;
    private readonly LaneKeeper _lanes;
    private readonly ILeases _leases;
    private readonly LaneGains _gains;
    private readonly MailChooser _chooser;
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
        int marksAhead = 1,
        Action<SmtpAccount, SlowedDestination, double>? slow = null,
        ILeases? leases = null
    )
    {
        (_input, _wake, _store, _accounts, _gate, _next) = (input, wake, store, accounts, gate, next);
        (_health, _clock, _logger, _leases) = (health, clock, logger, leases ?? new SoleNode());
        _queue = new(options.Window, options.InFlight, options.Page, store.Release, share);
        _standstill = new(health);
        _expiry = new(store, options.ExpiryChunk, logger);
        _lanes = new(_queue, store, accounts, _leases, Math.Max(1, marksAhead), clock, logger);
        _slowed = new(accounts, gate, _queue, slow);
        _gains = new(_queue, _lanes, gate, _expiry);
        _chooser = new(_queue, _lanes, gate, _standstill, next, metrics, clock);
        _release = new(input, wake, store, _leases, _queue);
        _reasons = new(_queue, _standstill, accounts, _leases, clock, () => _lanes.PendingStep);
    }

    /// <summary>Chooses no mail until <see cref="Activate"/>; mails under way go on.</summary>
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

    /// <summary>What another node counted and left of lanes that this one sends for from now on.</summary>
    public void TakeOver(Recovery recovery, IReadOnlyCollection<LimitKey> keys)
    {
        _gains.Post(recovery, keys);
        _wake.Look();
    }

    /// <summary>Why a lane's mail waits, or that it does not.</summary>
    public LaneStatus Status(LaneKey lane) => _reasons.Status(lane);

    /// <summary>Everything that holds a lane's mail, in the order in which mail meets it.</summary>
    public IReadOnlyList<LaneGate> Gates(LaneKey lane) => _reasons.Gates(lane);

    /// <summary>Publishes a tenant's mails under way and in memory, and the most that it may have.</summary>
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
        Begin(recovery, suspended);
        _accounts.Changed += _wake.Look;
        _health.Changed += _wake.Look;
        _leases.Changed += _wake.Look;
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
            _leases.Changed -= _wake.Look;
            _release.Run();
        }
    }

    /// <inheritdoc cref="TicketRelease.UntilAsync"/>
    public Task LetGoUntilAsync(Task over) => _release.UntilAsync(over);

    /// <summary>Takes over what the last run left.</summary>
    internal void Begin(Recovery recovery, bool suspended)
    {
        _lanes.ReadClock();
        var now = _lanes.Now;
        _standstill.Suspended = suspended;
        _standstill.Start(now);
        _lanes.SeeHolders(_leases.Now);
        _gains.Begin(recovery, now);
    }

    /// <summary>One turn. True: there is more to do at once.</summary>
    internal async ValueTask<bool> TurnAsync(SchedulerWait wait)
    {
        if (_lanes.ReadClock())
            _standstill.Limit = _standstill.Store = null;
        var now = _lanes.Now;
        var view = _leases.Now; // read before what was gained, which comes first
        _gains.Apply(now);
        _lanes.SeeHolders(view);
        var before = _lanes.Directory;
        if (_lanes.SeeAccounts())
        {
            _chooser.ForgetDeleted();
            _gate.ForgetGone(before);
        }
        else if (now - _trimmed >= TrimEvery)
        {
            _trimmed = now;
            _gate.Trim();
        }

        var more = TakeTickets(now);
        var news = _wake.Drain();
        var back = news.Done.Count + news.Aside.Count + news.Returned.Count > 0 ? _gate.TakeGivenBack() : [];
        if (back.Contains(LimitKey.Installation))
            _standstill.Limit = null;
        _slowed.Apply(news);
        _lanes.Apply(news, back);
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

        return _chooser.Choose(wait) || more || (!_standstill.Suspended && _queue.NeedsRefill);
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
            if (_queue.NextToRefill(now, out var request) is not { } lane)
                return false;
            try
            {
                _queue.Fill(lane, await _store.ClaimAsync(lane.Key, request), request);
            }
            catch (StoreUnavailableException)
            {
                _queue.DiskHas(lane, 0, now);
                throw;
            }
            catch (Exception error)
            {
                _lanes.CannotClaim(lane, error); // an unexpected error concerns this lane only
            }
        }

        return true;
    }

    // The earliest moment at which something is known to be to do.
    private long NextTime()
    {
        var at = Math.Min(_queue.NextLook, _standstill.NextEnd);
        return _standstill.StoreInTrouble ? at : Math.Min(at, _expiry.Next);
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
