using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Schedule;

/// <summary>The rates of accounts whose providers asked for less; one that has grown to its ceiling is forgotten. From any thread.
/// </summary>
internal sealed class AdaptiveRates(TimeProvider clock)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<AccountKey, (AdaptiveRate Rate, long Version)> _rates = [];
    private readonly long _start = clock.GetTimestamp();
    private volatile int _count;

    /// <summary>An account's provider asks for less.</summary>
    /// <param name="measured">Messages a minute until now.</param>
    public void Slow(SmtpAccount account, AccountTrouble trouble, double measured)
    {
        if (trouble.Slow is not { } slow)
            return;
        var because = trouble.Rule is { } rule ? $"{rule}: {trouble.Reply}" : trouble.Reply;
        lock (_gate)
        {
            var now = Now();
            if (Known(account.Key, now) is { } rate)
                rate.Slow(slow, because, now);
            else
                _rates[account.Key] = (new(slow, because, measured, CeilingOf(account.Limits), now), account.Version);
            _count = _rates.Count;
        }
    }

    /// <summary>Takes the right to one message. Null: it may go.</summary>
    public LimitRefusal? Take(AccountKey account)
    {
        if (_count == 0)
            return null;
        lock (_gate)
        {
            var now = Now();
            if (Known(account, now) is not { } rate)
                return null;
            if (rate.OpensAt is var opens && opens <= now)
            {
                rate.Granted(now);
                return null;
            }

            var limit = (int)Math.Round(rate.PerMinute);
            return new(60, limit, limit, TimeSpan.FromMilliseconds(opens - now)) { Adapted = rate.ToString() };
        }
    }

    /// <summary>A message that had the right to go did not.</summary>
    public void GiveBack(AccountKey account)
    {
        if (_count == 0)
            return;
        lock (_gate)
        {
            if (_rates.TryGetValue(account, out var known))
                known.Rate.Returned();
        }
    }

    /// <summary>Null: the account is not slowed.</summary>
    public AdaptedRate? Of(AccountKey account)
    {
        if (_count == 0)
            return null;
        lock (_gate)
        {
            var now = Now();
            return Known(account, now)?.Shown(clock.GetUtcNow().ToUnixTimeMilliseconds() - now);
        }
    }

    /// <summary>Forgets an account's rate. False: it was not slowed.</summary>
    public bool Reset(AccountKey account)
    {
        lock (_gate)
            return Drop(account);
    }

    /// <summary>Forgets those of accounts that are gone or changed, and those that are over.</summary>
    public void Trim(AccountDirectory directory)
    {
        if (_count == 0)
            return;
        lock (_gate)
        {
            foreach (var (account, (_, version)) in _rates.ToArray())
            {
                if (directory.Find(account)?.Version != version)
                    Drop(account);
                else
                    Known(account, Now());
            }
        }
    }

    private AdaptiveRate? Known(AccountKey account, long now)
    {
        if (!_rates.TryGetValue(account, out var known))
            return null;
        if (!known.Rate.Advance(now))
            return known.Rate;
        Drop(account);
        return null;
    }

    private bool Drop(AccountKey account)
    {
        var dropped = _rates.Remove(account);
        _count = _rates.Count;
        return dropped;
    }

    /// <summary>What limits let go in a minute; that of an hour or a day says nothing of how fast it may go. Null: nothing does.</summary>
    public static double? CeilingOf(AccountLimits limits) =>
        limits is { PerSecond: null, PerMinute: null }
            ? null
            : Math.Min((limits.PerSecond * 60.0) ?? double.MaxValue, limits.PerMinute ?? double.MaxValue);

    private long Now() => (long)clock.GetElapsedTime(_start).TotalMilliseconds;
}
