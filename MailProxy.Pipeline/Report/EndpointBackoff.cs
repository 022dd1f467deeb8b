using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Report;

/// <summary>When a failing webhook is tried again, and when no more. Pure.</summary>
/// <remarks>
/// A row of failures is as old as the time in which it was tried: neither a step of the wall clock nor a daemon that was off makes it
/// older. So the row's beginning moves along with them. Within one run the time between two failures is measured; over a restart it is
/// bounded by what so many failures take.
/// </remarks>
internal sealed class EndpointBackoff(TimeSpan disableAfter, double jitter, Func<double> chance)
{
    private static readonly TimeSpan[] Steps =
    [
        TimeSpan.FromSeconds(5),
        TimeSpan.FromSeconds(30),
        TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(15),
    ];
    private static readonly TimeSpan LongestNamed = TimeSpan.FromDays(1);

    /// <summary>How the endpoint stands after one more failure of the row, and when to try again. Disabled when the row has lasted too
    /// long.</summary>
    /// <param name="last">The failure before, when it was in this run: its wall time (Unix milliseconds), and how long ago it was by the
    /// clock that does not step.</param>
    public (EndpointProgress Progress, long Until) Failed(
        EndpointProgress progress,
        string error,
        TimeSpan? named,
        long now,
        (long At, TimeSpan Ago)? last = null
    )
    {
        var age = Age(progress, now, last);
        var end = now - age + (long)disableAfter.TotalMilliseconds;
        var next = progress with
        {
            FailingSince = now - age,
            Failures = progress.Failures + 1,
            LastError = error,
            DisabledAt = now >= end ? now : null,
        };
        return (next, Math.Min(now + (long)Wait(progress.Failures, named).TotalMilliseconds, Math.Max(now, end)));
    }

    private long Age(EndpointProgress progress, long now, (long At, TimeSpan Ago)? last)
    {
        if (progress.FailingSince is not { } since)
            return 0;
        if (last is { } known)
            return Math.Max(0, known.At - since) + (long)known.Ago.TotalMilliseconds;
        return Math.Clamp(now - since, 0, Longest(progress.Failures));
    }

    // What so many failures take when the endpoint names no wait of its own.
    private long Longest(int failures)
    {
        var named = Steps.Take(failures).Sum(static step => step.TotalMilliseconds);
        var repeated = Math.Max(0, failures - Steps.Length) * Steps[^1].TotalMilliseconds;
        return (long)((named + repeated) * (1 + jitter));
    }

    private TimeSpan Wait(int failures, TimeSpan? named)
    {
        if (named is not { } asked)
            return RetryPolicy.Spread(Steps[Math.Min(failures, Steps.Length - 1)], jitter, chance());
        return asked < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1)
            : asked > LongestNamed ? LongestNamed
            : asked;
    }
}
