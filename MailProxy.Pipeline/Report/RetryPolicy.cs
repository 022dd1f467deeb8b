namespace MailProxy.Pipeline.Report;

/// <summary>
/// When a deferred recipient is tried again. Pure. It ignores the message's expiry: a retry after it never happens, since the message
/// expires
/// first.
/// </summary>
internal sealed class RetryPolicy(IReadOnlyList<TimeSpan> steps, double jitter)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    public RetryPolicy(ReportOptions options)
        : this(options.RetrySteps, options.Jitter) { }

    public TimeSpan Longest { get; } = steps.Max();

    /// <summary>
    /// The wait after failed round <paramref name="round"/> (from 0); null when the schedule is used up. A delay that the reply requested
    /// is
    /// respected, between 1 s and the longest step.
    /// </summary>
    /// <param name="chance">A random number from 0 to 1.</param>
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

    /// <summary>Makes a wait randomly longer or shorter, by at most a share of itself.</summary>
    public static TimeSpan Spread(TimeSpan wait, double jitter, double chance) => wait * (1 + jitter * (2 * chance - 1));
}
