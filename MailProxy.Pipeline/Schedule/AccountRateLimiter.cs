using System.Threading.RateLimiting;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// One account's limits, all at once. A permit is reserved when it is acquired, counted when its lease is spent, and given back when its
/// lease is disposed unspent.
/// It never waits: <see cref="RateLimiter.AcquireAsync"/> answers as <see cref="RateLimiter.AttemptAcquire"/> does, and a refusal names the
/// true time to wait.
/// It measures time with the provider's timestamps, so a step of the wall clock neither grants nor loses anything; only the day of a
/// warm-up is by the wall clock. The limits are asked for anew each time; the counts of all windows are kept whatever the limits are.
/// </summary>
internal sealed class AccountRateLimiter : RateLimiter
{
    /// <summary>What is left of a limit is used in smaller slices, but not less than this part of it at a time.</summary>
    private const int LeastPart = 1000;

    private readonly Lock _gate = new();
    private readonly Func<AccountLimits> _limits;
    private readonly TimeProvider _clock;
    private readonly long _start;
    private readonly long _startMs;
    private readonly SecondRule _second = new();
    private readonly WindowRule _minute = new(60);
    private readonly WindowRule _hour = new(3600);
    private readonly WindowRule _day = new(86400);
    private readonly WarmUpRule _warmUp;
    private readonly LimitRule[] _rules;
    private readonly bool _isLean;
    private int _reserved;
    private long _lastUse;
    private long _granted;
    private long _refused;

    /// <param name="isLean">Counts only what there is a limit for: a limit that is added later begins without a past.</param>
    public AccountRateLimiter(Func<AccountLimits> limits, TimeProvider clock, bool isLean = false)
    {
        _limits = limits;
        _isLean = isLean;
        _clock = clock;
        _warmUp = new(_day.Window);
        _rules = [_second, _minute, _hour, _day, _warmUp];
        _start = clock.GetTimestamp();
        _startMs = clock.GetUtcNow().ToUnixTimeMilliseconds();
        _lastUse = _start;
        Advance();
    }

    /// <summary>Null while anything is counted or reserved.</summary>
    public override TimeSpan? IdleDuration
    {
        get
        {
            lock (_gate)
            {
                Advance();
                return _reserved == 0 && Array.TrueForAll(_rules, rule => rule.IsIdle || (_isLean && !rule.Holds))
                    ? _clock.GetElapsedTime(_lastUse)
                    : null;
            }
        }
    }

    /// <summary>Replaces the counts by those from before a restart.</summary>
    public void Seed(IEnumerable<LimitUse> uses)
    {
        lock (_gate)
        {
            var now = Advance();
            LimitUse[] counted = [.. uses.Where(use => use.Count > 0)];
            _second.Seed(counted, now);
            foreach (var rule in (ReadOnlySpan<WindowRule>)[_minute, _hour, _day])
            {
                rule.Window.Clear();
                foreach (var use in counted)
                {
                    if (use.WindowSeconds == rule.Seconds)
                        rule.Window.AddPast(use.Slot, use.Count);
                }

                rule.Replay(now);
            }

            _warmUp.Replay(now);
        }
    }

    /// <summary>How far each limit is used up; reserved permits count as used.</summary>
    public IReadOnlyList<LimitUsage> Usage()
    {
        lock (_gate)
        {
            var now = Advance();
            var wall = _clock.GetUtcNow().ToUnixTimeMilliseconds();
            var usage = new List<LimitUsage>();
            foreach (var rule in _rules)
            {
                if (!rule.Holds)
                    continue;
                var opens = rule.OpensAt(1, _reserved);
                usage.Add(new(rule.Seconds, rule.Used + _reserved, LimitOf(rule), opens > now ? wall + opens - now : null, rule.IsWarmUp));
            }

            return usage;
        }
    }

    /// <summary>
    /// How many of so many recipients to ask for: what the limits have left when that is less, but so many that a transaction is worth it;
    /// a refusal then says when there is room for these.
    /// </summary>
    public int Fit(int wanted)
    {
        lock (_gate)
        {
            Advance();
            var fits = wanted;
            foreach (var rule in _rules)
            {
                var free = rule.Free(_reserved);
                if (free >= fits)
                    continue;
                fits = Math.Min(fits, (int)Math.Max(free, Math.Max(1, rule.Limit / LeastPart)));
            }

            return fits;
        }
    }

    public override RateLimiterStatistics? GetStatistics()
    {
        lock (_gate)
        {
            Advance();
            return new()
            {
                CurrentAvailablePermits = Math.Max(0, _rules.Min(rule => rule.Free(_reserved))),
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
            var now = Advance();
            LimitRule? refusing = null;
            var opens = long.MinValue;
            foreach (var rule in _rules)
            {
                if (!rule.Holds || (rule.OpensAt(permitCount, _reserved) is var at && at <= opens))
                    continue;
                opens = at;
                refusing = rule;
            }

            if (refusing is null)
            {
                _granted++;
                _reserved += permitCount;
                foreach (var rule in _rules)
                    rule.Granted(permitCount);
                return new AccountLease(this, permitCount);
            }

            _refused++;
            var limit = LimitOf(refusing);
            var free = refusing.Free(_reserved);
            if (free < permitCount)
            {
                foreach (var rule in _rules)
                    rule.Held(opens);
            }

            return AccountLease.Refused(
                new(refusing.Seconds, Math.Max(0, limit - free), limit, TimeSpan.FromMilliseconds(Math.Max(1, opens - now)))
                {
                    IsPaced = free >= permitCount,
                    IsWarmUp = refusing.IsWarmUp,
                }
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
            var now = Advance();
            foreach (var rule in _rules)
            {
                if (reserved && !spent)
                    rule.Returned(permits);
                else if (!reserved)
                    rule.Granted(permits); // it was given back before
            }

            if (!spent)
                return;
            if (!_isLean || _second.Holds)
                _second.Add(now, permits);
            foreach (var rule in (ReadOnlySpan<WindowRule>)[_minute, _hour, _day])
            {
                if (!_isLean || rule.Holds)
                    rule.Window.Add(now, permits);
            }
        }
    }

    // The most that there may ever be at once.
    private int LimitOf(LimitRule rule) => ReferenceEquals(rule, _second) ? _second.Most : rule.Limit;

    private long Advance()
    {
        var limits = _limits();
        var now = _startMs + (long)_clock.GetElapsedTime(_start).TotalMilliseconds;
        _second.Advance(now, limits.PerSecond, limits.Burst);
        _minute.Advance(now, limits.PerMinute, Depth(limits, limits.PerMinute));
        _hour.Advance(now, limits.PerHour, Depth(limits, limits.PerHour));
        _day.Advance(now, limits.PerDay, Depth(limits, limits.PerDay));
        _warmUp.Advance(now, limits.WarmUp is null ? default : _clock.GetUtcNow(), limits);
        return now;
    }

    private static int? Depth(AccountLimits limits, int? limit) => limit is { } most ? limits.DepthOf(most) : null;
}
