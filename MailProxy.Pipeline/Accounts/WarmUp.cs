namespace MailProxy.Pipeline.Accounts;

/// <summary>
/// How a new account begins slowly: so many on each UTC day from <paramref name="Start"/> on. Before that day the first number holds, after
/// the last one the ordinary limits alone.
/// </summary>
public sealed record WarmUp(DateOnly Start, IReadOnlyList<int> Daily)
{
    /// <summary>The longest list.</summary>
    public const int MostDays = 366;

    /// <summary>The most on that day; null: the warm-up is over.</summary>
    public int? On(DateOnly day)
    {
        var passed = Math.Max(0, day.DayNumber - Start.DayNumber);
        return passed < Daily.Count ? Daily[passed] : null;
    }

    public bool Equals(WarmUp? other) => other is not null && Start == other.Start && Daily.SequenceEqual(other.Daily);

    public override int GetHashCode() => HashCode.Combine(Start, Daily.Count);
}
