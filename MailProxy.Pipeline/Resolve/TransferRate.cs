namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Whether a transfer is so slow that it only holds its place: counted over stretches of time, so that a beginning in haste buys nothing.
/// Pure.
/// </summary>
/// <param name="bytesPerSecond">0: any rate will do.</param>
/// <param name="stretch">The length of one stretch at least.</param>
internal sealed class TransferRate(long bytesPerSecond, TimeSpan stretch)
{
    private TimeSpan _began;
    private long _bytes;

    /// <summary>So many bytes came until then, as measured from the beginning. True: a stretch is over in which too little came.</summary>
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
