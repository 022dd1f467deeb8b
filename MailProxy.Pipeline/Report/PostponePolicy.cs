namespace MailProxy.Pipeline.Report;

/// <summary>When a message that could not be tried is looked at again; this continues until the message expires. Pure.</summary>
internal sealed class PostponePolicy(IReadOnlyList<TimeSpan> steps, double jitter)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    private readonly TimeSpan _longest = steps.Max();

    /// <summary>
    /// The wait after <paramref name="before"/> earlier postponements; the last step repeats. A requested delay is respected, between 1 s
    /// and
    /// the longest step.
    /// </summary>
    /// <param name="chance">A random number from 0 to 1.</param>
    public TimeSpan Delay(int before, TimeSpan? named, double chance)
    {
        if (named is { } asked)
            return asked < Shortest ? Shortest
                : asked > _longest ? _longest
                : asked;
        return RetryPolicy.Spread(steps[Math.Clamp(before, 0, steps.Count - 1)], jitter, chance);
    }
}
