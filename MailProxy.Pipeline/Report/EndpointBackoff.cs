using MailProxy.Pipeline.Configuration.Webhooks;

namespace MailProxy.Pipeline.Report;

/// <summary>Decides when a failing webhook is tried again, and when it is disabled. Pure.</summary>
/// <remarks>
/// The age of a series of failures counts only the time in which the webhook was tried: neither a step of the wall clock nor time with the
/// daemon stopped makes it older, so the series' beginning is moved accordingly. Within one run the time between two failures is measured;
/// over a restart it is limited to what that many failures take.
/// </remarks>
/// <param name="longest">No wait is longer; null: as the steps say.</param>
internal sealed class EndpointBackoff(TimeSpan disableAfter, double jitter, Func<double> chance, TimeSpan? longest = null)
{
    /// <summary>Longer than any series of failures.</summary>
    private static readonly TimeSpan Never = TimeSpan.FromDays(36_500);
    private static readonly TimeSpan LongestOfGenro = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan[] Steps =
    [
        TimeSpan.FromSeconds(5),
        TimeSpan.FromSeconds(30),
        TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(15),
    ];
    private static readonly TimeSpan LongestNamed = TimeSpan.FromDays(1);

    /// <summary>The same for an endpoint of this style: one of genro is never disabled, and asked every five minutes at least.</summary>
    public EndpointBackoff For(ReportStyle style) => style.IsGenro() ? new(Never, jitter, chance, LongestOfGenro) : this;

    /// <summary>
    /// The endpoint's state after one more failure, and when to try it again. It is disabled when the series has lasted too long.
    /// </summary>
    /// <param name="last">
    /// The previous failure, if it was in this run: its wall-clock time (Unix milliseconds), and how long ago it was by the monotonic
    /// clock.
    /// </param>
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

    // The time that so many failures take when the endpoint names no delay of its own.
    private long Longest(int failures)
    {
        var named = Steps.Take(failures).Sum(static step => step.TotalMilliseconds);
        var repeated = Math.Max(0, failures - Steps.Length) * Steps[^1].TotalMilliseconds;
        return (long)((named + repeated) * (1 + jitter));
    }

    private TimeSpan Wait(int failures, TimeSpan? named)
    {
        var wait = WaitOf(failures, named);
        return wait > longest ? longest.Value : wait;
    }

    private TimeSpan WaitOf(int failures, TimeSpan? named)
    {
        if (named is not { } asked)
            return RetryPolicy.Spread(Steps[Math.Min(failures, Steps.Length - 1)], jitter, chance());
        return asked < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1)
            : asked > LongestNamed ? LongestNamed
            : asked;
    }
}
