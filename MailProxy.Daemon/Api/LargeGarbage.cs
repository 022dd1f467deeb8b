namespace MailProxy.Daemon.Api;

/// <summary>
/// Has what large requests leave collected soon. A body of 50 MB leaves several times as much garbage, and the collector, which looks at
/// what survives,
/// would let some of them pass before it looks. It runs beside the requests and stops none of them for long, for what lives is little.
/// </summary>
internal sealed class LargeGarbage(TimeProvider clock)
{
    /// <summary>Less is left to the collector's own judgement.</summary>
    public const int Large = 4 << 20;

    private const long Enough = 64 << 20;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private long _left;
    private long _at = long.MinValue;

    /// <summary>So many bytes are garbage now.</summary>
    public void Note(long bytes)
    {
        if (bytes < Large || Interlocked.Add(ref _left, bytes) < Enough)
            return;
        var (now, last) = (clock.GetTimestamp(), Volatile.Read(ref _at));
        if (last != long.MinValue && clock.GetElapsedTime(last, now) < Pause)
            return;
        if (Interlocked.CompareExchange(ref _at, now, last) != last)
            return;
        Volatile.Write(ref _left, 0);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
    }
}
