using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Schedule;

/// <summary>What an account has sent to one domain, and how long the mail for it is that waits. Times are Unix milliseconds.</summary>
internal sealed class Destination(Func<AccountLimits> limits, TimeProvider clock)
{
    /// <summary>How many turns that were promised may pass unused before nobody is thought to wait.</summary>
    private const int Missed = 3;

    private readonly AccountRateLimiter _limiter = new(limits, clock, isLean: true);
    private readonly Lock _gate = new();
    private long _behind; // when the mail that comes next has its turn
    private long _again; // when the mail has that came back and found no room
    private long _taken; // when something was taken last

    public bool IsIdle(TimeSpan idle, long now)
    {
        lock (_gate)
            return _behind <= now && _again <= now && _limiter.IdleDuration > idle;
    }

    public void Seed(IEnumerable<DestinationUse> uses) =>
        _limiter.Seed(uses.Select(static use => new LimitUse(Mail.LimitKey.Of(use.Account), use.WindowSeconds, use.Slot, use.Count)));

    /// <summary>As much of so many as may go now; null: nothing.</summary>
    /// <param name="waited">It was put off before: mail that comes anew goes behind what waits.</param>
    public AccountLease? Take(int asked, bool waited, long now, out string refusal)
    {
        lock (_gate)
        {
            var lease = TryTake(asked, waited, now, out refusal);
            if (lease is not null)
                _taken = now;
            return lease;
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
            var next = Math.Max(waited ? _again : _behind, now + 1) + (count * Interval());
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
            var opens = Math.Max(_behind, usage.Max(static limit => limit.OpensAt) ?? 0);
            return new(domain, usage, opens > now ? opens : null);
        }
    }

    private AccountLease? TryTake(int asked, bool waited, long now, out string refusal)
    {
        refusal = "other mail to it waits already";
        if (!waited && _behind > now && !IsForgotten(now))
            return null;
        var lease = (AccountLease)_limiter.AttemptAcquire(_limiter.Fit(asked));
        if (lease.IsAcquired)
            return lease;
        refusal = lease.Refusal!.ToString();
        var opens = now + (long)lease.Refusal.RetryAfter.TotalMilliseconds + 1;
        (_behind, _again) = (Math.Max(_behind, opens), Math.Max(_again, opens));
        return null;
    }

    // Those that were promised their turn do not come: cancelled, or sent by another account.
    private bool IsForgotten(long now)
    {
        if (now - _taken <= Math.Max(1_000, Missed * Interval()))
            return false;
        _behind = 0;
        return true;
    }

    private long Interval() => LimitPace.Of(limits());
}
