using System.Globalization;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// The rate of an account whose provider asked for less: a share of it at each throttling, and a tenth of the throttled rate more for each
/// minute in which mail went and none was throttled, up to the ceiling. Pure; times are milliseconds of one clock.
/// </summary>
internal sealed class AdaptiveRate
{
    private const long Minute = 60_000;

    /// <summary>How long a rate that may grow is remembered while nothing is sent.</summary>
    private const long Idle = 3_600_000;

    private const double Slowest = 1;

    private TokenBucket _pace = new(60);
    private double _throttledAt;
    private long _growsAt;
    private long _heldUntil;
    private long _sent; // since it grew
    private long _lastSent;

    /// <param name="measured">Messages a minute until now.</param>
    /// <param name="limit">What the account is configured to, a minute; null: nothing.</param>
    public AdaptiveRate(SlowDown slow, string because, double measured, double? limit, long now)
    {
        // What is asked for may be more than went.
        var until = Math.Max(measured, slow.PerMinute ?? Slowest);
        PerMinute = Math.Max(Slowest, Math.Min(until, limit ?? until));
        (Ceiling, Since, _lastSent) = (Math.Max(Slowest, limit ?? until), now, now);
        Because = because;
        Slow(slow, because, now);
    }

    /// <summary>Messages a minute, 1 at least.</summary>
    public double PerMinute { get; private set; }

    public double Ceiling { get; private init; }
    public long Since { get; }
    public long GrowsAt => _growsAt;

    /// <summary>What asked for it last.</summary>
    public string Because { get; private set; }

    /// <summary>The provider asks for less, once more.</summary>
    public void Slow(SlowDown slow, string because, long now)
    {
        Because = because;
        _throttledAt = PerMinute;
        if (slow.Factor is { } factor)
            PerMinute *= factor;
        if (slow.PerMinute is { } most)
            PerMinute = Math.Min(PerMinute, most);
        PerMinute = Math.Max(Slowest, PerMinute);
        _growsAt = _heldUntil = now + (long)(slow.Lasts?.TotalMilliseconds ?? Minute);
        _sent = 0;
        _pace.Fill(now, Limit, Depth);
    }

    /// <summary>Lets time pass. True: the account goes as fast as it may without this, so that it is over.</summary>
    public bool Advance(long now)
    {
        if (now >= _growsAt)
        {
            if (_sent > 0)
                PerMinute = Math.Min(Ceiling, PerMinute + Math.Max(1, _throttledAt / 10));
            _sent = 0;
            if (PerMinute >= Ceiling || now - Math.Max(_heldUntil, _lastSent) > Idle)
                return true;

            // Whole minutes, so that it does not depend on when it is asked.
            _growsAt += ((now - _growsAt) / Minute * Minute) + Minute;
        }

        _pace.Advance(now, Limit, Depth);
        return false;
    }

    /// <summary>When one more may go, after <see cref="Advance"/>; <see cref="long.MinValue"/>: now.</summary>
    public long OpensAt => _pace.Available >= 1 ? long.MinValue : _pace.FullAt(1);

    public void Granted(long now)
    {
        _pace.Spend(1);
        _sent++;
        _lastSent = now;
    }

    /// <summary>What was granted did not go.</summary>
    public void Returned()
    {
        _pace.Spend(-1);
        _sent = Math.Max(0, _sent - 1);
    }

    /// <summary>As people see it.</summary>
    /// <param name="wall">The wall clock (Unix milliseconds) when this one's clock was 0.</param>
    public AdaptedRate Shown(long wall) => new(Math.Round(PerMinute, 1), Math.Round(Ceiling, 1), wall + Since, wall + GrowsAt, Because);

    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"slowed to {PerMinute:0.#} messages a minute ({Because}); it grows while mail goes well"
        );

    private int Limit => (int)Math.Clamp(Math.Round(PerMinute), 1, 1_000_000_000);

    // What goes in a second, so that no rate is lost to the time between two looks.
    private int Depth => Math.Max(1, Limit / 60);
}
