namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// So many a second, and after a pause <paramref name="burst"/> at once. Counted in thousandths, so that a millisecond is exact.
/// </summary>
internal struct TokenBucket(long now, int burst)
{
    private long _thousandths = burst * 1000L;
    private long _at = now;

    /// <summary>Whole permits there are.</summary>
    public readonly long Available => _thousandths / 1000;

    public readonly bool IsFull(int burst) => _thousandths >= burst * 1000L;

    public void Advance(long now, int perSecond, int burst)
    {
        if (now > _at)
        {
            // A minute fills any bucket that is worth the name; more could overflow.
            _thousandths += Math.Min(now - _at, 86_400_000) * perSecond;
            _at = now;
        }

        _thousandths = Math.Min(_thousandths, burst * 1000L);
    }

    public void Spend(int count) => _thousandths -= count * 1000L;

    /// <summary>When there will be so many.</summary>
    public readonly long FullAt(long count, int perSecond) => _at + (((count * 1000) - _thousandths + perSecond - 1) / perSecond);
}
