using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Schedule;

/// <summary>So many in any second; with a burst so many a second on average, and after a pause that many at once.</summary>
internal sealed class SecondRule() : LimitRule(1)
{
    private readonly RollingWindow _window = new(1);
    private TokenBucket _bucket = new(1);
    private bool _isFilled;
    private int? _burst;

    /// <summary>The most that may go at once.</summary>
    public int Most => _burst ?? Limit;

    public override long Used => _burst is { } burst ? Math.Max(0, burst - _bucket.Available) : _window.Used;

    public override bool IsIdle => _window.Used == 0 && (_burst is null || _bucket.IsFull);

    public override long Free(long reserved) => _burst is null ? base.Free(reserved) : _bucket.Available - reserved;

    public void Advance(long now, int? limit, int? burst)
    {
        _window.Advance(now);
        Set(now, limit, depth: null);
        _burst = limit is null ? null : burst;
        if (_burst is not { } depth)
            return;
        if (!_isFilled)
            _bucket.Fill(now, limit!.Value, depth);
        _isFilled = true;
        _bucket.Advance(now, limit!.Value, depth);
        _bucket.Cut();
    }

    public void Add(long now, int count)
    {
        _window.Add(now, count);
        if (_burst is not null)
            _bucket.Spend(count);
    }

    /// <summary>
    /// Counts what went before a restart. The second itself is not stored; the slots of longer windows are, and each counts as of its end,
    /// so that never too much goes.
    /// </summary>
    public void Seed(IReadOnlyList<LimitUse> uses, long now)
    {
        const int Minute = 60;
        _window.Clear();
        foreach (var use in uses)
        {
            if (use.WindowSeconds == Minute)
                _window.AddPast(EndOf(use, now), use.Count);
        }

        if (_burst is not { } depth)
            return;
        // The shortest window that looks back as far as the bucket takes to fill.
        var windows = uses.Select(use => use.WindowSeconds).Distinct().Order().ToArray();
        var window = Array.Find(windows, seconds => (long)seconds * Limit >= depth);
        if (window == 0)
            window = windows.LastOrDefault();
        _bucket.Fill(long.MinValue / 2, Limit, depth);
        foreach (var use in uses.Where(use => use.WindowSeconds == window).OrderBy(use => use.Slot))
        {
            _bucket.Advance(EndOf(use, now), Limit, depth);
            _bucket.Spend(use.Count);
        }

        _bucket.Advance(now, Limit, depth);
    }

    protected override long FreeAt(long missing) =>
        _burst is null ? _window.PassedAt(missing) : _bucket.FullAt(_bucket.Available + missing);

    protected override IEnumerable<(long At, int Count)> Counted() => _window.Counted();

    private static long EndOf(in LimitUse use, long now) => Math.Min(now, use.Slot + (use.WindowSeconds * 1000L / RollingWindow.Slots));
}
