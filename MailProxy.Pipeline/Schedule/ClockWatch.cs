namespace MailProxy.Pipeline.Schedule;

/// <summary>Reads the wall clock and notices when it stepped, by the clock that does not.</summary>
internal sealed class ClockWatch(TimeProvider clock)
{
    /// <summary>A difference up to this (milliseconds) is no step.</summary>
    private const long Tolerance = 1000;

    private long _stamp = clock.GetTimestamp();

    /// <summary>Unix milliseconds at the last reading.</summary>
    public long Now { get; private set; } = clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Reads it again; returns by how many milliseconds it stepped since, or 0.</summary>
    public long Read()
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var stamp = clock.GetTimestamp();
        var step = now - Now - (long)clock.GetElapsedTime(_stamp, stamp).TotalMilliseconds;
        (Now, _stamp) = (now, stamp);
        return Math.Abs(step) > Tolerance ? step : 0;
    }
}
