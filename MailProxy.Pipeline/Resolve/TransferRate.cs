namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Detects a transfer that is so slow that it only occupies its slot. The rate is measured per period, so that a fast beginning does not
/// make up for a slow rest. Pure.
/// </summary>
/// <param name="bytesPerSecond">The lowest rate; 0 allows any.</param>
/// <param name="stretch">The minimum length of one period.</param>
internal sealed class TransferRate(long bytesPerSecond, TimeSpan stretch)
{
    private TimeSpan _began;
    private long _bytes;

    /// <summary>Counts bytes that arrived until the given time since the beginning. True: a period has ended below the lowest
    /// rate.</summary>
    public bool IsTooSlow(long bytes, TimeSpan at)
    {
        _bytes += bytes;
        var took = at - _began;
        if (took < stretch)
            return false;
        var tooSlow = _bytes < bytesPerSecond * took.TotalSeconds;
        (_began, _bytes) = (at, 0);
        return tooSlow;
    }
}
