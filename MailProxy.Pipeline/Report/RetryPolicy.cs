namespace MailProxy.Pipeline.Report;

/// <summary>
/// When a recipient that was put off is tried again. Pure. The expiry of the message is not looked at: a retry beyond it never comes, since
/// the message expires first.
/// </summary>
internal sealed class RetryPolicy(IReadOnlyList<TimeSpan> steps, double jitter)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    public RetryPolicy(ReportOptions options)
        : this(options.RetrySteps, options.Jitter) { }

    public TimeSpan Longest { get; } = steps.Max();

    /// <summary>
    /// The wait after failed round <paramref name="round"/> (from 0), or null when the schedule is used up. A delay that the reply named is
    /// kept to, between 1 s and the longest step.
    /// </summary>
    /// <param name="chance">From 0 to 1.</param>
    public TimeSpan? Delay(int round, TimeSpan? named, double chance)
    {
        if (round >= steps.Count)
            return null;
        if (named is { } asked)
            return asked < Shortest ? Shortest
                : asked > Longest ? Longest
                : asked;
        return Spread(steps[round], jitter, chance);
    }

    /// <summary>A wait, up to a share of itself longer or shorter.</summary>
    public static TimeSpan Spread(TimeSpan wait, double jitter, double chance) => wait * (1 + jitter * (2 * chance - 1));
}
