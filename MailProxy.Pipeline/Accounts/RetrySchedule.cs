namespace MailProxy.Pipeline.Accounts;

/// <summary>Waits before each retry of a deferred message, in minutes; when they are used up it has failed.</summary>
public sealed record RetrySchedule
{
    /// <summary>A schedule has so many waits at most.</summary>
    public const int MostSteps = 100;

    /// <summary>Minutes of one wait.</summary>
    public const double Least = 0.001,
        Most = 999_999.999;

    /// <param name="minutes">1 to <see cref="MostSteps"/>.</param>
    public RetrySchedule(IReadOnlyList<double> minutes)
    {
        Minutes = minutes;
        Steps = [.. minutes.Select(TimeSpan.FromMinutes)];
    }

    public IReadOnlyList<double> Minutes { get; }

    public IReadOnlyList<TimeSpan> Steps { get; }

    public bool Equals(RetrySchedule? other) => other is not null && Minutes.SequenceEqual(other.Minutes);

    public override int GetHashCode() => Minutes.Count == 0 ? 0 : HashCode.Combine(Minutes.Count, Minutes[0]);
}
