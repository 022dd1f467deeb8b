using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Report;

/// <summary>When a failing webhook is tried again, and when no more. Pure.</summary>
internal sealed class EndpointBackoff(TimeSpan disableAfter, double jitter, Func<double> chance)
{
    private static readonly TimeSpan[] Steps = [TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15)];
    private static readonly TimeSpan LongestNamed = TimeSpan.FromDays(1);

    /// <summary>How the endpoint stands after one more failure of the row, and when to try again. Disabled when the row has lasted too long.</summary>
    public (EndpointProgress Progress, long Until) Failed(EndpointProgress progress, string error, TimeSpan? named, long now)
    {
        var since = progress.FailingSince ?? now;
        var end = since + (long)disableAfter.TotalMilliseconds;
        var next = progress with { FailingSince = since, Failures = progress.Failures + 1, LastError = error, DisabledAt = now >= end ? now : null };
        return (next, Math.Min(now + (long)Wait(progress.Failures, named).TotalMilliseconds, Math.Max(now, end)));
    }

    private TimeSpan Wait(int failures, TimeSpan? named)
    {
        if (named is not { } asked) return RetryPolicy.Spread(Steps[Math.Min(failures, Steps.Length - 1)], jitter, chance());
        return asked < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : asked > LongestNamed ? LongestNamed : asked;
    }
}
