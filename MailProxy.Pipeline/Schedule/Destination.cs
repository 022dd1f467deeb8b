using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// What an account has sent to one domain, how fast it may go there after its provider asked for less, and how long the mail for it is that
/// waits. Times are Unix milliseconds. Safe to call from any thread.
/// </summary>
internal sealed class Destination(Func<AccountLimits> limits, TimeProvider clock)
{
    /// <summary>How many turns that were promised may pass unused before nobody is thought to wait.</summary>
    private const int Missed = 3;

    private readonly AccountRateLimiter _limiter = new(limits, clock, isLean: true);
    private readonly RateMeter _meter = new();
    private readonly Lock _gate = new();
    private readonly long _start = clock.GetTimestamp();
    private long _behind; // when the mail that comes next has its turn
    private long _again; // when the mail has that came back and found no room
    private long _taken; // when something was taken last
    private AdaptiveRate? _rate; // by the clock's timestamps
    private long _version; // of the account that was slowed
    private long _slowedAt;

    /// <summary>The provider asked for less, and that is not over.</summary>
    public bool IsSlowed
    {
        get
        {
            lock (_gate)
                return _rate is not null;
        }
    }

    public bool IsIdle(TimeSpan idle)
    {
        var now = Now();
        lock (_gate)
            return _rate is null && _behind <= now && _again <= now && _limiter.IdleDuration > idle;
    }

    public void Seed(IEnumerable<DestinationUse> uses) =>
        _limiter.Seed(uses.Select(static use => new LimitUse(Mail.LimitKey.Of(use.Account), use.WindowSeconds, use.Slot, use.Count)));

    /// <summary>The provider asks for less.</summary>
    /// <param name="measured">Messages a minute by the account until now, for as long as it is not known of the domain.</param>
    /// <param name="version">The account as it is now: of another one nothing was asked.</param>
    public void Slow(SlowedDestination slowed, double measured, long version)
    {
        lock (_gate)
        {
            var at = Elapsed();
            if (Rate(at) is { } rate)
            {
                // An attempt from before says nothing of the rate that there is since.
                if (slowed.TriedAt < _slowedAt)
                    return;
                rate.Slow(slowed.Slow, slowed.Because, at);
            }
            else
            {
                var went = _meter.PerMinute is > 0 and var own ? own : measured;
                _rate = new(slowed.Slow, slowed.Because, went, AdaptiveRates.CeilingOf(limits()), at);
            }

            (_version, _slowedAt) = (version, Now());
        }
    }

    /// <summary>Whether it was slowed until now and is no longer: it has grown to its ceiling, or was slowed as another account.</summary>
    /// <param name="version">Null: whatever was asked is forgotten.</param>
    public bool Hurry(long? version)
    {
        lock (_gate)
        {
            if (_rate is null)
                return false;
            if (version == _version && Rate(Elapsed()) is not null)
                return false;
            _rate = null;
            return true;
        }
    }

    /// <summary>As much of so many as may go now; null: nothing.</summary>
    /// <param name="waited">It was put off before: mail that comes anew goes behind what waits.</param>
    public DestinationLease? Take(int asked, bool waited, long now, out DestinationRefusal refusal)
    {
        lock (_gate)
        {
            if (TryTake(asked, waited, now, out refusal) is not { } lease)
                return null;
            _taken = now;
            _meter.Add(now);
            var rate = _rate;
            rate?.Granted(Elapsed());
            return new(lease, rate is null ? null : this);
        }
    }

    /// <summary>Whether some of so many may go now.</summary>
    public bool HasRoom(int asked, bool waited, long now)
    {
        lock (_gate)
        {
            using var lease = TryTake(asked, waited, now, out _);
            return lease is not null;
        }
    }

    /// <summary>What was taken at the rate that it is slowed to did not go.</summary>
    public void Returned()
    {
        lock (_gate)
            _rate?.Returned();
    }

    /// <summary>When the mail that was refused has its turn.</summary>
    public long OpensAt(bool waited, long now)
    {
        lock (_gate)
            return Math.Max(waited ? _again : _behind, now + 1);
    }

    /// <summary>So many come then: the next behind them. What came back and found no room does not go to the end of the line.</summary>
    public void Promise(int count, bool waited, long now)
    {
        lock (_gate)
        {
            var next = Math.Max(waited ? _again : _behind, now + 1) + Math.Max(count * LimitPace.Of(limits()), RatePace());
            if (waited)
                _again = next;
            else
                _behind = next;
        }
    }

    /// <summary>Nothing is promised.</summary>
    public void Forget()
    {
        lock (_gate)
            _behind = _again = 0;
    }

    public DestinationUsage Usage(string domain, long now)
    {
        var usage = _limiter.Usage();
        lock (_gate)
        {
            var at = Elapsed();
            var rate = Rate(at);
            var slowed = rate is { OpensAt: var next } && next > at ? now + next - at : 0;
            var opens = Math.Max(Math.Max(_behind, slowed), usage.Max(static limit => limit.OpensAt) ?? 0);
            return new(domain, usage, opens > now ? opens : null) { Adapted = rate?.Shown(now - at), Why = rate?.ToString() };
        }
    }

    private AccountLease? TryTake(int asked, bool waited, long now, out DestinationRefusal refusal)
    {
        refusal = new("other mail to it waits already", false);
        if (!waited && _behind > now && !IsForgotten(now))
            return null;
        var at = Elapsed();
        if (Rate(at) is { } rate && rate.OpensAt is var opens && opens > at)
        {
            refusal = new(rate.ToString(), false);
            Close(now + opens - at);
            return null;
        }

        var lease = (AccountLease)_limiter.AttemptAcquire(_limiter.Fit(asked));
        if (lease.IsAcquired)
            return lease;
        refusal = new(lease.Refusal!.ToString(), true);
        Close(now + (long)lease.Refusal.RetryAfter.TotalMilliseconds + 1);
        return null;
    }

    private void Close(long until) => (_behind, _again) = (Math.Max(_behind, until), Math.Max(_again, until));

    // Those that were promised their turn do not come: cancelled, or sent by another account.
    private bool IsForgotten(long now)
    {
        if (now - _taken <= Math.Max(1_000, Missed * Math.Max(LimitPace.Of(limits()), RatePace())))
            return false;
        _behind = 0;
        return true;
    }

    // A message counts one, whatever its recipients.
    private long RatePace() => _rate is null ? 1 : (long)Math.Ceiling(60_000 / _rate.PerMinute);

    // One that is over stays until somebody hears of it, and holds nothing back.
    private AdaptiveRate? Rate(long at) => _rate is { } rate && !rate.Advance(at) ? rate : null;

    private long Elapsed() => (long)clock.GetElapsedTime(_start).TotalMilliseconds;

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>Why nothing may go to a destination now.</summary>
/// <param name="IsLimit">A limit that a person set says so.</param>
internal readonly record struct DestinationRefusal(string Why, bool IsLimit);

/// <summary>The right to go to one domain, spent or given back with the permit.</summary>
/// <param name="slowed">The destination, when it is slowed.</param>
internal sealed class DestinationLease(AccountLease own, Destination? slowed) : IDisposable
{
    private int _isOver;

    public int Permits => own.Permits;

    public void Spend()
    {
        Interlocked.Exchange(ref _isOver, 1);
        own.Spend();
    }

    public void Dispose()
    {
        own.Dispose();
        if (Interlocked.Exchange(ref _isOver, 1) == 0)
            slowed?.Returned();
    }
}
