namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// One limit: how many there may be at most, which is never exceeded, and the pace at which they go, which spreads them over its time.
/// Times are milliseconds.
/// </summary>
internal abstract class LimitRule(int seconds)
{
    /// <summary>How late mail may ask again (milliseconds) and have waited all the time.</summary>
    private const long Patience = 1000;

    private const long Never = long.MinValue / 2;

    private TokenBucket _pace = new(seconds);
    private int? _limit;
    private int? _depth;
    private long _heldUntil = Never;
    private int _largest; // slice that went

    public int Seconds => seconds;

    public virtual bool IsWarmUp => false;

    /// <summary>There is such a limit now.</summary>
    public bool Holds => _limit is not null;

    public int Limit => _limit ?? int.MaxValue;

    /// <summary>What counts against the limit, without what is reserved.</summary>
    public abstract long Used { get; }

    /// <summary>Nothing is remembered that could refuse anything.</summary>
    public virtual bool IsIdle => Used == 0;

    /// <summary>How many more there may be; below 0 after the limit was lowered.</summary>
    public virtual long Free(long reserved) => _limit is { } limit ? limit - Used - reserved : int.MaxValue;

    /// <summary>
    /// When so many would be granted if nothing else happened: what is reserved counts as used now. More than the limit never are; then
    /// when all is free. <see cref="long.MinValue"/>: now.
    /// </summary>
    public long OpensAt(int permits, long reserved)
    {
        var missing = permits - Free(reserved);
        return Math.Max(missing > 0 ? FreeAt(missing) : long.MinValue, PacedUntil(permits));
    }

    /// <summary>
    /// Mail waits that the pace would let go, until then at least: for room in this limit or another one. Its pace loses nothing meanwhile.
    /// </summary>
    public void Held(long until) => _heldUntil = Math.Max(_heldUntil, until);

    public void Granted(int permits)
    {
        if (_depth is null)
            return;
        _pace.Spend(permits);
        _largest = Math.Max(_largest, permits);
    }

    /// <summary>What was granted did not go.</summary>
    public void Returned(int permits) => Granted(-permits);

    /// <summary>Owes what was counted before a restart, as far as it is not paid yet.</summary>
    public void Replay(long now)
    {
        if (_limit is not { } limit || _depth is not { } depth || Used == 0)
            return;
        // Close to its limit, mail was waiting for it; and the pace loses nothing through a restart.
        var isHeld = Used >= limit * 4L / 5;
        if (isHeld)
        {
            Held(now);
            _largest = Math.Max(_largest, Counted().Max(static counted => counted.Count));
        }

        var most = isHeld ? HeldDepth(limit, depth) : depth;
        var isFirst = true;
        foreach (var (at, count) in Counted())
        {
            if (isFirst)
                _pace.Fill(at, limit, most);
            isFirst = false;
            _pace.Advance(at, limit, most);
            _pace.Spend(count);
            _pace.Forgive(); // what went before there was a pace
        }

        _pace.Advance(now, limit, most);
    }

    /// <param name="limit">Null: there is none.</param>
    /// <param name="depth">How many the pace lets go at once; null: it is not paced.</param>
    protected void Set(long now, int? limit, int? depth)
    {
        var isPaced = limit is not null && depth is not null;
        // A changed limit acts at once: nothing is owed to the one before.
        if (isPaced && (limit != _limit || depth != _depth))
            _pace.Fill(now, limit!.Value, depth!.Value);
        (_limit, _depth) = (limit, isPaced ? depth : null);
        if (isPaced)
            Advance(now, limit!.Value, depth!.Value);
    }

    /// <summary>When so many more will be free.</summary>
    protected abstract long FreeAt(long missing);

    /// <summary>What is counted, and when, oldest first.</summary>
    protected abstract IEnumerable<(long At, int Count)> Counted();

    // When the pace lets so many go. More than its depth go when it is full, and are owed.
    private long PacedUntil(int permits) =>
        _depth is { } depth && Math.Min(permits, depth) is var needed && _pace.Available < needed ? _pace.FullAt(needed) : long.MinValue;

    private void Advance(long now, int limit, int depth)
    {
        if (_heldUntil > Never)
        {
            _pace.Advance(Math.Min(now, _heldUntil), limit, HeldDepth(limit, depth));
            // Whoever waited has not come back by then: nobody waits any more.
            if (now - _heldUntil > (seconds * 1000L / RollingWindow.Slots) + Patience)
                _heldUntil = Never;
        }

        _pace.Advance(now, limit, depth);
        if (_heldUntil == Never)
            _pace.Cut();
    }

    // As much as slices of different sizes shift the pace against the limit.
    private int HeldDepth(int limit, int depth) => (int)Math.Min(limit, (2L * depth) + _largest);
}
