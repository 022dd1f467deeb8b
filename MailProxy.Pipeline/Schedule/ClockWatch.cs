namespace MailProxy.Pipeline.Schedule;

/// <summary>Reads the wall clock and notices when it stepped, by the clock that does not. Read by one loop; <see cref="Pending"/> from any
/// thread.</summary>
internal sealed class ClockWatch(TimeProvider clock)
{
    /// <summary>A difference up to this (milliseconds) is no step.</summary>
    private const long Tolerance = 1000;

    private volatile Reading _last = new(clock.GetUtcNow().ToUnixTimeMilliseconds(), clock.GetTimestamp());

    /// <summary>Unix milliseconds at the last reading.</summary>
    public long Now => _last.Now;

    /// <summary>Reads it again; returns by how many milliseconds it stepped since, or 0.</summary>
    public long Read()
    {
        var next = Take();
        var step = Step(_last, next);
        _last = next;
        return step;
    }

    /// <summary>By how many milliseconds it has stepped since the last reading, which nobody has acted on yet; 0: it has not.</summary>
    public long Pending() => Step(_last, Take());

    private Reading Take() => new(clock.GetUtcNow().ToUnixTimeMilliseconds(), clock.GetTimestamp());

    private long Step(Reading before, Reading now)
    {
        var step = now.Now - before.Now - (long)clock.GetElapsedTime(before.Stamp, now.Stamp).TotalMilliseconds;
        return Math.Abs(step) > Tolerance ? step : 0;
    }

    private sealed record Reading(long Now, long Stamp);
}
