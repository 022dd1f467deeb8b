using System.Threading.RateLimiting;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// One account's limits, all four windows at once. A permit is reserved when it is acquired, counted when its lease is spent, and given
/// back when its lease is disposed unspent.
/// It never waits: <see cref="RateLimiter.AcquireAsync"/> answers as <see cref="RateLimiter.AttemptAcquire"/> does, and a refusal names the
/// true time to wait.
/// It measures time with the provider's timestamps, so a step of the wall clock neither grants nor loses anything. The limits are asked for
/// anew each time; the counts of all windows are kept whatever the limits are.
/// </summary>
internal sealed class AccountRateLimiter : RateLimiter
{
    private readonly Lock _gate = new();
    private readonly Func<AccountLimits> _limits;
    private readonly TimeProvider _clock;
    private readonly long _start;
    private readonly long _startMs;
    private readonly RollingWindow[] _windows = [new(1), new(60), new(3600), new(86400)];
    private TokenBucket _bucket;
    private int _reserved;
    private long _lastUse;
    private long _granted;
    private long _refused;

    public AccountRateLimiter(Func<AccountLimits> limits, TimeProvider clock)
    {
        _limits = limits;
        _clock = clock;
        _start = clock.GetTimestamp();
        _startMs = clock.GetUtcNow().ToUnixTimeMilliseconds();
        _bucket = new(_startMs, int.MaxValue);
        _lastUse = _start;
        Advance(limits());
    }

    /// <summary>Null while anything is counted or reserved.</summary>
    public override TimeSpan? IdleDuration
    {
        get
        {
            lock (_gate)
            {
                var limits = _limits();
                Advance(limits);
                var idle =
                    _reserved == 0
                    && Array.TrueForAll(_windows, w => w.Used == 0)
                    && (!Bursts(limits, out var burst) || _bucket.IsFull(burst));
                return idle ? _clock.GetElapsedTime(_lastUse) : null;
            }
        }
    }

    /// <summary>Replaces the counts by those from before a restart; the window of a second is not kept.</summary>
    public void Seed(IEnumerable<LimitUse> uses)
    {
        lock (_gate)
        {
            Advance(_limits());
            foreach (var window in _windows)
                window.Clear();
            foreach (var use in uses)
            {
                if (use.Count > 0)
                    Array.Find(_windows, w => w.Seconds == use.WindowSeconds)?.AddPast(use.Slot, use.Count);
            }
        }
    }

    /// <summary>How far each limit is used up; reserved permits count as used.</summary>
    public IReadOnlyList<LimitUsage> Usage()
    {
        lock (_gate)
        {
            var limits = _limits();
            Advance(limits);
            var now = Now();
            var wall = _clock.GetUtcNow().ToUnixTimeMilliseconds();
            var usage = new List<LimitUsage>();
            for (var i = 0; i < _windows.Length; i++)
            {
                if (LimitOf(limits, i) is not { } limit)
                    continue;
                var used =
                    i == 0 && Bursts(limits, out var burst)
                        ? Math.Max(0, burst - _bucket.Available) + _reserved
                        : _windows[i].Used + _reserved;
                var opens = OpensAt(limits, i, 1);
                usage.Add(new(_windows[i].Seconds, used, limit, opens > now ? wall + opens - now : null));
            }

            return usage;
        }
    }

    public override RateLimiterStatistics? GetStatistics()
    {
        lock (_gate)
        {
            var limits = _limits();
            Advance(limits);
            long available = int.MaxValue;
            for (var i = 0; i < _windows.Length; i++)
                available = Math.Min(available, Available(limits, i));
            return new()
            {
                CurrentAvailablePermits = Math.Max(0, available),
                CurrentQueuedCount = 0,
                TotalFailedLeases = _refused,
                TotalSuccessfulLeases = _granted,
            };
        }
    }

    protected override RateLimitLease AttemptAcquireCore(int permitCount)
    {
        lock (_gate)
        {
            _lastUse = _clock.GetTimestamp();
            if (permitCount == 0)
                return new AccountLease(this, 0);
            var limits = _limits();
            Advance(limits);
            var refusing = -1;
            var opens = long.MinValue;
            for (var i = 0; i < _windows.Length; i++)
            {
                if (Available(limits, i) >= permitCount || OpensAt(limits, i, permitCount) is var at && at <= opens)
                    continue;
                opens = at;
                refusing = i;
            }

            if (refusing < 0)
            {
                _granted++;
                _reserved += permitCount;
                return new AccountLease(this, permitCount);
            }

            _refused++;
            var limit = LimitOf(limits, refusing)!.Value;
            var used = Math.Max(0, limit - Available(limits, refusing));
            return AccountLease.Refused(
                new(_windows[refusing].Seconds, used, limit, TimeSpan.FromMilliseconds(Math.Max(1, opens - Now())))
            );
        }
    }

    protected override ValueTask<RateLimitLease> AcquireAsyncCore(int permitCount, CancellationToken cancellationToken) =>
        new(AttemptAcquireCore(permitCount));

    /// <summary>Ends a reservation; <paramref name="spent"/>: it counts from this moment on.</summary>
    internal void End(int permits, bool reserved, bool spent)
    {
        lock (_gate)
        {
            if (reserved)
                _reserved -= permits;
            _lastUse = _clock.GetTimestamp();
            if (!spent)
                return;
            var limits = _limits();
            Advance(limits);
            var now = Now();
            foreach (var window in _windows)
                window.Add(now, permits);
            if (Bursts(limits, out _))
                _bucket.Spend(permits);
        }
    }

    private static bool Bursts(AccountLimits limits, out int burst)
    {
        burst = limits.Burst ?? 0;
        return limits is { PerSecond: > 0, Burst: > 0 };
    }

    // The most that this window may ever hold at once; null: no limit.
    private static int? LimitOf(AccountLimits limits, int window) =>
        window switch
        {
            0 => Bursts(limits, out var burst) ? burst : limits.PerSecond,
            1 => limits.PerMinute,
            2 => limits.PerHour,
            _ => limits.PerDay,
        };

    private long Available(AccountLimits limits, int window)
    {
        if (window == 0 && Bursts(limits, out _))
            return _bucket.Available - _reserved;
        return LimitOf(limits, window) is { } limit ? limit - _windows[window].Used - _reserved : int.MaxValue;
    }

    // When so many permits would be free if nothing else happened: what is reserved counts as used now. More than the limit never are; then
    // when all is free.
    private long OpensAt(AccountLimits limits, int window, int permits)
    {
        var missing = permits - Available(limits, window);
        if (missing <= 0)
            return long.MinValue;
        if (window == 0 && Bursts(limits, out _))
            return _bucket.FullAt(_bucket.Available + missing, limits.PerSecond!.Value);
        return _windows[window].PassedAt(missing);
    }

    private void Advance(AccountLimits limits)
    {
        var now = Now();
        foreach (var window in _windows)
            window.Advance(now);
        if (Bursts(limits, out var burst))
            _bucket.Advance(now, limits.PerSecond!.Value, burst);
    }

    private long Now() => _startMs + (long)_clock.GetElapsedTime(_start).TotalMilliseconds;
}
