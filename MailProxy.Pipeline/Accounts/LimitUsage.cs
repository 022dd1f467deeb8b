namespace MailProxy.Pipeline.Accounts;

/// <summary>How far one limit is used up.</summary>
/// <param name="WindowSeconds">1, 60, 3,600 or 86,400.</param>
/// <param name="Used">Counted in the window, and reserved for mail on its way.</param>
/// <param name="OpensAt">Unix milliseconds when the next may go; null: one may now.</param>
/// <param name="IsWarmUp">The limit of this day in the warm-up.</param>
public sealed record LimitUsage(int WindowSeconds, long Used, int Limit, long? OpensAt, bool IsWarmUp = false);

/// <summary>How far an account's limits for one domain are used up.</summary>
/// <param name="OpensAt">Unix milliseconds when mail that comes now may go, behind that which waits; null: now.</param>
public sealed record DestinationUsage(string Domain, IReadOnlyList<LimitUsage> Limits, long? OpensAt)
{
    /// <summary>How fast mail may go there after the provider asked for less; null: as configured.</summary>
    public AdaptedRate? Adapted { get; init; }

    /// <summary>The same in words.</summary>
    public string? Why { get; init; }
}

/// <summary>A domain to which an account's mail may not go now.</summary>
/// <param name="Until">Unix milliseconds.</param>
/// <param name="Slowed">That the provider asked for less, in words; null: it is a limit that a person set.</param>
public sealed record DestinationHold(string Domain, long Until, string? Slowed);
