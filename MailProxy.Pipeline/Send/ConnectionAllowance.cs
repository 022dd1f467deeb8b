namespace MailProxy.Pipeline.Send;

/// <summary>
/// How many connections a server seems to bear at a time, learned from those it turned away. It grows again by one a minute, so that a
/// server that got capacity is used. Pure but for what it remembers; one user at a time.
/// </summary>
internal sealed class ConnectionAllowance(TimeProvider clock)
{
    /// <summary>How long what was learned holds before one more is tried.</summary>
    public static readonly TimeSpan GrowsAfter = TimeSpan.FromMinutes(1);

    private int _learned = int.MaxValue;
    private long _changed;

    /// <summary>As many as are configured, or fewer. One more than was learned only when all of those are in use.</summary>
    public int Within(int configured, int used)
    {
        if (_learned >= configured)
            return configured;
        if (used >= _learned && clock.GetElapsedTime(_changed) >= GrowsAfter)
        {
            _learned++;
            _changed = clock.GetTimestamp();
        }

        return _learned;
    }

    /// <summary>One more than <paramref name="others"/> was turned away.</summary>
    public void TurnedAway(int others) => (_learned, _changed) = (others, clock.GetTimestamp());

    /// <summary>The server said how many it bears, or that it bears fewer.</summary>
    public void AtMost(int most)
    {
        if (most < _learned)
            TurnedAway(Math.Max(1, most));
    }

    /// <summary>What was learned says nothing any more: the account was changed, or its server turns everybody away.</summary>
    public void Forget() => _learned = int.MaxValue;
}
