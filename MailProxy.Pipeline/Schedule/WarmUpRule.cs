using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Schedule;

/// <summary>So many on this day by UTC, out of the counts of the last 24 hours.</summary>
internal sealed class WarmUpRule(RollingWindow day) : LimitRule(Day)
{
    private const int Day = 86_400;

    private long _start;

    public override bool IsWarmUp => true;

    public override long Used => day.UsedSince(_start);

    public override bool IsIdle => true; // the day's own counts say it

    /// <param name="now">On the limiter's clock, to which the day's counts belong.</param>
    /// <param name="wall">By the clock on the wall, which says what day it is.</param>
    public void Advance(long now, DateTimeOffset wall, AccountLimits limits)
    {
        if (limits.WarmUp is not { } warmUp)
        {
            Set(now, null, null);
            return;
        }

        _start = now - (long)wall.UtcDateTime.TimeOfDay.TotalMilliseconds;
        var limit = warmUp.On(DateOnly.FromDateTime(wall.UtcDateTime));
        Set(now, limit, limit is { } most ? limits.DepthOf(most) : null);
    }

    // Tomorrow: what went today stays today's.
    protected override long FreeAt(long missing) => _start + (Day * 1000L);

    protected override IEnumerable<(long At, int Count)> Counted() => day.Counted().Where(counted => counted.At >= _start);
}
