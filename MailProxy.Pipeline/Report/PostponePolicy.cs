namespace MailProxy.Pipeline.Report;

/// <summary>When a message is looked at again that could not be tried: it goes on until the message expires. Pure.</summary>
internal sealed class PostponePolicy(IReadOnlyList<TimeSpan> steps, double jitter)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    private readonly TimeSpan _longest = steps.Max();

    /// <summary>
    /// The wait after having been put off <paramref name="before"/> times; the last step repeats. A delay that was named is kept to,
    /// between 1 s and the longest step.
    /// </summary>
    /// <param name="chance">From 0 to 1.</param>
    public TimeSpan Delay(int before, TimeSpan? named, double chance)
    {
        if (named is { } asked)
            return asked < Shortest ? Shortest
                : asked > _longest ? _longest
                : asked;
        return RetryPolicy.Spread(steps[Math.Clamp(before, 0, steps.Count - 1)], jitter, chance);
    }
}
