using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Schedule;

/// <summary>Chooses which mail goes next. One loop, the only one that waits on time; it asks the store when something is known to be there and never else.</summary>
internal sealed partial class ScheduleStage
{
    private const int DoorBatch = 1024, Pages = 4, Picks = 32;

    /// <summary>The clock is read again after this long at most (milliseconds): it may step, and the machine may sleep.</summary>
    private const long LongestRest = 60_000;

    /// <summary>How long (milliseconds) a store that cannot be asked is left alone.</summary>
    private const long StorePause = 1000;

    private readonly ChannelReader<QueuedMail> _door;
    private readonly Wake _wake;
    private readonly IMessageStore _store;
    private readonly CurrentAccounts _accounts;
    private readonly AccountGate _gate;
    private readonly ChannelWriter<DueMail> _next;
    private readonly PipelineHealth _health;
    private readonly PipelineMetrics _metrics;
    private readonly ScheduleOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly ActiveQueue _queue;

    // Written by others.
    private volatile bool _suspended;
    private volatile bool _lookAtAll;
    private long _expiryHint = long.MaxValue;

    // Written by the loop; the parks are read by others.
    private volatile LanePark? _globalPark;
    private volatile LanePark? _storePark;
    private AccountDirectory? _directory;
    private long _nextExpiry = long.MaxValue;
    private long _lastTime;
    private long _lastStamp;
    private Task<bool>? _doorOpens;
    private Task<bool>? _roomOpens;
    private bool _doorClosed;
    private bool _nextClosed;
    private bool _stands;
    private long _stoodStill = long.MinValue; // when nobody could go for a reason, last; the start counts

    public ScheduleStage(
        ChannelReader<QueuedMail> door,
        Wake wake,
        IMessageStore store,
        CurrentAccounts accounts,
        AccountGate gate,
        ChannelWriter<DueMail> next,
        PipelineHealth health,
        PipelineMetrics metrics,
        ScheduleOptions options,
        TimeProvider clock,
        ILogger logger)
    {
        (_door, _wake, _store, _accounts, _gate, _next) = (door, wake, store, accounts, gate, next);
        (_health, _metrics, _options, _clock, _logger) = (health, metrics, options, clock, logger);
        _queue = new(options.Window, options.InFlight, options.Page, store.Release);
    }

    private long Now => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    // ── What others ask of it, from any thread ──

    /// <summary>Nothing is chosen until <see cref="Activate"/>; what is on its way goes on.</summary>
    public void Suspend() => SetSuspended(true);

    public void Activate() => SetSuspended(false);

    public bool IsSuspended => _suspended;

    /// <summary>Looks at everything at once: every lane, what may expire, and accounts that back off. Limits still hold.</summary>
    public void RunNow()
    {
        _lookAtAll = true;
        _wake.Look();
    }

    /// <summary>A stored mail expires then.</summary>
    public void ExpiryHint(long at)
    {
        var known = Volatile.Read(ref _expiryHint);
        while (at < known)
        {
            var was = Interlocked.CompareExchange(ref _expiryHint, at, known);
            if (was == known)
            {
                _wake.Look();
                return;
            }

            known = was;
        }
    }

    /// <summary>Why an account's mail waits, or that it does not.</summary>
    public LaneStatus Status(AccountKey account)
    {
        var lane = _queue.Find(account);
        var (state, until, reason) = Reason(account, lane);
        return new(state, until, reason, lane?.InFlight ?? 0, lane?.Count ?? 0);
    }

    /// <summary>Whether the account waits for a reason, or did so within the last minute: then its mail is not overdue.</summary>
    public bool IsExcused(AccountKey account)
    {
        var lane = _queue.Find(account);
        return Reason(account, lane).State != LaneState.Ready || Math.Max(lane?.WaitedLast ?? long.MinValue, Volatile.Read(ref _stoodStill)) > Now - 60_000;
    }

    // ── The loop ──

    /// <summary>Runs until <paramref name="stop"/>, then gives its tickets back. What was counted against limits before the restart is taken over here.</summary>
    public async Task RunAsync(Recovery recovery, bool suspended, CancellationToken stop)
    {
        _suspended = suspended;
        _nextExpiry = recovery.NextExpiry;
        _gate.Seed(recovery.LimitUses);
        _lastTime = _stoodStill = Now;
        _lastStamp = _clock.GetTimestamp();
        SeeAccounts(_lastTime);
        foreach (var (account, due) in recovery.Lanes) _queue.DiskHas(Lane(account), due, _lastTime);

        _accounts.Changed += _wake.Look;
        _health.Changed += _wake.Look;
        try
        {
            await using var timer = _clock.CreateTimer(static wake => ((Wake)wake!).Look(), _wake, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            await using var stopping = stop.Register(_wake.Look);
            while (!stop.IsCancellationRequested && !_nextClosed)
            {
                if (!await TurnAsync()) await RestAsync(timer);
            }
        }
        finally
        {
            _accounts.Changed -= _wake.Look;
            _health.Changed -= _wake.Look;
            while (_door.TryRead(out var ticket)) _store.Release(ticket);
            _queue.Clear();
        }
    }

    // True: there is more to do at once.
    private async ValueTask<bool> TurnAsync()
    {
        var now = ReadClock();
        SeeAccounts(now);
        var more = TakeTickets();
        Obey(_wake.Drain());
        if (_lookAtAll) LookAtAll(now);
        _queue.Advance(now);
        if (_globalPark?.Until <= now) _globalPark = null;
        if (_storePark?.Until <= now) _storePark = null;
        SeeStandstill(now);
        if (_health.StoreTrouble is not null || _storePark is not null) return more;

        try
        {
            more |= await ExpireAsync(now);
            if (!_suspended) more |= await RefillAsync(now);
        }
        catch (StoreUnavailableException trouble)
        {
            _storePark = new(now + StorePause, trouble.Message);
            Log.StoreUnavailable(_logger, trouble.Message);
            return more;
        }

        return Choose(now) || more || (!_suspended && _queue.Hungers);
    }

    private void SeeStandstill(long now)
    {
        var standing = _suspended || _globalPark is not null || _storePark is not null || _health.StoreTrouble is not null;
        if (standing || _stands) Volatile.Write(ref _stoodStill, now);
        _stands = standing;
    }

    private bool TakeTickets()
    {
        for (var i = 0; i < DoorBatch; i++)
        {
            if (!_door.TryRead(out var ticket)) return false;
            if (ticket.Due > _lastTime) PutOff(ticket);
            else _queue.Offer(Lane(ticket.Account), ticket);
        }

        return true;
    }

    // Its time has not come, so it is the disk's.
    private void PutOff(QueuedMail ticket)
    {
        _store.Release(ticket);
        _queue.DiskHas(Lane(ticket.Account), ticket.Due, _lastTime);
    }

    private void Obey(WakeSet news)
    {
        foreach (var account in news.Unparked)
        {
            var lane = Lane(account);
            lane.BackingOff = null;
            _queue.Waited(lane, _lastTime);
        }

        foreach (var (account, (until, trouble)) in news.Parked)
        {
            var lane = Lane(account);
            lane.BackingOff = new(until, $"{trouble.Kind}: {trouble.Reply}");
            _queue.Waited(lane, _lastTime);
        }

        // Claims end before the lanes look at the disk again.
        foreach (var ticket in news.Done)
        {
            _queue.Done(Lane(ticket.Account), ticket);
            _store.Release(ticket);
        }

        foreach (var ticket in news.Returned) _queue.Return(Lane(ticket.Account), ticket);
        foreach (var (account, due) in news.DueByAccount) _queue.DiskHas(Lane(account), due, _lastTime);
    }

    // Waits were measured on the wall clock. When that has stepped, limits are asked again (they know better), and what was to end after a step back keeps its length.
    private long ReadClock()
    {
        var now = Now;
        var stamp = _clock.GetTimestamp();
        var step = now - _lastTime - (long)_clock.GetElapsedTime(_lastStamp, stamp).TotalMilliseconds;
        (_lastTime, _lastStamp) = (now, stamp);
        if (Math.Abs(step) <= StorePause) return now;

        Log.ClockStepped(_logger, step);
        _globalPark = _storePark = null;
        foreach (var lane in _queue.Lanes)
        {
            lane.AtLimit = null;
            if (step < 0 && lane.BackingOff is { } park) lane.BackingOff = park with { Until = park.Until + step };
            _queue.Waited(lane, now);
        }

        return now;
    }

    private void SeeAccounts(long now)
    {
        var directory = _accounts.Directory;
        if (directory == _directory) return;
        var before = _directory;
        _directory = directory;
        foreach (var lane in _queue.Lanes) See(lane, before, now);
    }

    private void See(AccountLane lane, AccountDirectory? before, long now)
    {
        var account = _directory?.Find(lane.Account);
        if (account is null && !lane.Unknown) Log.UnknownAccount(_logger, lane.Account.Number);
        lane.Unknown = account is null;
        lane.Paused = account is { Paused: true };
        lane.InFlightCap = 2 * (account?.MaxConnections ?? 1);
        if (account?.Version != before?.Find(lane.Account)?.Version) lane.AtLimit = lane.BackingOff = null;
        _queue.Waited(lane, now);
    }

    private AccountLane Lane(AccountKey account)
    {
        var lane = _queue.Lane(account, out var made);
        if (made) See(lane, _directory, _lastTime);
        return lane;
    }

    private void LookAtAll(long now)
    {
        _lookAtAll = false;
        _nextExpiry = now;
        foreach (var account in _accounts.Directory.All) Lane(account.Key);
        foreach (var lane in _queue.Lanes)
        {
            lane.BackingOff = null;
            _queue.Waited(lane, now);
            _queue.DiskHas(lane, 0, now);
        }
    }

    private async ValueTask<bool> ExpireAsync(long now)
    {
        _nextExpiry = Math.Min(_nextExpiry, Interlocked.Exchange(ref _expiryHint, long.MaxValue));
        if (_nextExpiry > now) return false;
        var sweep = await _store.ExpireAsync(now, _options.ExpiryChunk);
        // A sweep that found nothing has no reason to be repeated at once.
        _nextExpiry = sweep.Expired > 0 ? sweep.NextExpiry : Math.Max(sweep.NextExpiry, now + StorePause);
        return _nextExpiry <= now;
    }

    // A few pages at a time, so that many hungry lanes do not hold up the others.
    private async ValueTask<bool> RefillAsync(long now)
    {
        for (var i = 0; i < Pages; i++)
        {
            if (_queue.NextHungry(out var count, out var lowest) is not { } lane) return false;
            try
            {
                var page = await _store.ClaimAsync(lane.Account, new(count, now, lowest));
                _queue.Fill(lane, page.Tickets, page.More, page.NextDue, count, lowest);
            }
            catch (StoreUnavailableException)
            {
                _queue.DiskHas(lane, 0, now);
                throw;
            }
        }

        return true;
    }

    // First room downstream, then the choice, so that urgent mail wins until the last moment.
    private bool Choose(long now)
    {
        for (var i = 0; i < Picks; i++)
        {
            if (_suspended || _globalPark is not null || _queue.Next() is not { } lane || !HasRoom()) return false;
            if (_directory!.Find(lane.Account) is not { } account) throw new InvalidOperationException("A lane without an account was chosen.");

            var answer = _gate.Ask(account, lane.First.Recipients);
            if (answer.Refusal is not { } refusal) Hand(lane, answer.Permit!);
            else if (answer.Fail) Hand(lane, new RefusedPermit((answer.Global ? "the installation " : "the account ") + refusal));
            else Park(lane, account, answer.Global, refusal, now);
        }

        return true;
    }

    private void Park(AccountLane lane, SmtpAccount account, bool global, LimitRefusal refusal, long now)
    {
        // A millisecond more, because both clocks are cut to whole ones.
        var until = now + (long)Math.Ceiling(refusal.RetryAfter.TotalMilliseconds) + 1;
        _metrics.PermitsRefused.WithLabels(global ? "global" : account.Id).Inc();
        if (global)
        {
            // Nobody may send, and the lane keeps its turn: else the order of waking would decide who goes first each time.
            _globalPark = new(until, $"the installation {refusal}");
            return;
        }

        lane.AtLimit = new(until, refusal.ToString());
        _queue.Waited(lane, now);
    }

    private void Hand(AccountLane lane, SendPermit permit)
    {
        var ticket = _queue.Take(lane);
        if (_next.TryWrite(new(ticket, permit))) return;
        // Only a closed door refuses what it had room for: the pipeline is coming down.
        permit.Dispose();
        _queue.Return(lane, ticket);
        _nextClosed = true;
    }

    private bool HasRoom()
    {
        if (_nextClosed) return false;
        if (_roomOpens is not null) return false;
        var room = _next.WaitToWriteAsync();
        if (room.IsCompletedSuccessfully)
        {
            _nextClosed = !room.GetAwaiter().GetResult();
            return !_nextClosed;
        }

        _roomOpens = room.AsTask();
        return false;
    }

    private async ValueTask RestAsync(ITimer timer)
    {
        if (_nextClosed) return;
        // The clock is read again after the timer was set: should it have moved meanwhile, the timer would ring late.
        for (var now = Now; ;)
        {
            var rest = Math.Min(NextTime() - now, LongestRest);
            if (rest <= 0) return;
            timer.Change(TimeSpan.FromMilliseconds(rest), Timeout.InfiniteTimeSpan);
            var again = Now;
            if (again == now) break;
            now = again;
        }

        if (!_doorClosed) _doorOpens ??= _door.WaitToReadAsync().AsTask();
        var news = _wake.WaitAsync();
        if (!news.IsCompleted) await Task.WhenAny(news, _doorOpens ?? news, _roomOpens ?? news);

        if (_doorOpens is { IsCompleted: true })
        {
            _doorClosed = !await _doorOpens;
            _doorOpens = null;
        }

        if (_roomOpens is { IsCompleted: true })
        {
            _nextClosed = !await _roomOpens;
            _roomOpens = null;
        }
    }

    // The earliest moment at which something is known to be to do.
    private long NextTime()
    {
        var at = Math.Min(_queue.NextLook, Math.Min(_globalPark?.Until ?? long.MaxValue, _storePark?.Until ?? long.MaxValue));
        var expiry = Math.Min(_nextExpiry, Volatile.Read(ref _expiryHint));
        return _health.StoreTrouble is null && _storePark is null ? Math.Min(at, expiry) : at;
    }

    private void SetSuspended(bool suspended)
    {
        if (_suspended == suspended) return;
        _suspended = suspended;
        _wake.Look();
    }

    private (LaneState State, long? Until, string? Reason) Reason(AccountKey account, AccountLane? lane)
    {
        if (_accounts.Directory.Find(account) is not { } known) return (LaneState.UnknownAccount, null, "the account does not exist any more");
        if (known.Paused) return (LaneState.Paused, null, "the account is paused");
        if (_suspended) return (LaneState.Suspended, null, "the dispatcher is suspended");
        if (_health.StoreTrouble is { } trouble) return (LaneState.StoreTrouble, null, trouble);
        if (_storePark is { } store) return (LaneState.StoreTrouble, store.Until, store.Reason);
        if (lane?.BackingOff is { } backingOff) return (LaneState.BackingOff, backingOff.Until, backingOff.Reason);
        if (lane?.AtLimit is { } limit) return (LaneState.AtLimit, limit.Until, limit.Reason);
        if (_globalPark is { } global) return (LaneState.AtLimit, global.Until, global.Reason);
        return (LaneState.Ready, null, null);
    }

    private static partial class Log
    {
        [LoggerMessage(300, LogLevel.Warning, "The store cannot be asked for mail; the scheduler tries again in a second: {Reason}")]
        public static partial void StoreUnavailable(ILogger logger, string reason);

        [LoggerMessage(301, LogLevel.Warning, "There is mail of account {Account}, which does not exist any more; it waits")]
        public static partial void UnknownAccount(ILogger logger, int account);

        [LoggerMessage(302, LogLevel.Warning, "The clock stepped by {Milliseconds} ms; waiting times are looked at again")]
        public static partial void ClockStepped(ILogger logger, long milliseconds);
    }
}
