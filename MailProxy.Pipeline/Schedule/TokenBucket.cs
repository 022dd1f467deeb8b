namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// So many in so many seconds, evenly, and after a pause <c>depth</c> at once. What is taken beyond that is owed and waited for, so that
/// no rate is lost whatever sizes are taken. Times are milliseconds.
/// </summary>
internal struct TokenBucket(int seconds)
{
    // Exact: a token is as many units as the window has milliseconds, and each millisecond brings as many units as the limit.
    private long _units;
    private long _at;
    private int _limit;
    private int _depth;

    /// <summary>Whole permits there are; below 0: owed.</summary>
    public readonly long Available => (_units >= 0 ? _units : _units - Token + 1) / Token;

    public readonly bool IsFull => _units >= _depth * Token;

    private readonly long Token => seconds * 1000L;

    public void Advance(long now, int limit, int depth)
    {
        (_limit, _depth) = (limit, depth);
        var full = depth * Token;
        if (now <= _at)
            return;
        // Compared before it is multiplied, which could overflow.
        if (_units < full)
            _units = now - _at > (full - _units) / limit ? full : _units + ((now - _at) * limit);
        _at = now;
    }

    public void Fill(long now, int limit, int depth) => (_at, _limit, _depth, _units) = (now, limit, depth, depth * Token);

    /// <summary>What is there beyond the depth is lost.</summary>
    public void Cut() => _units = Math.Min(_units, _depth * Token);

    /// <summary>No more than the depth is owed.</summary>
    public void Forgive() => _units = Math.Max(_units, -_depth * Token);

    public void Spend(int count) => _units -= count * Token;

    /// <summary>When there will be so many.</summary>
    public readonly long FullAt(long count) => _at + (((count * Token) - _units + _limit - 1) / _limit);
}
