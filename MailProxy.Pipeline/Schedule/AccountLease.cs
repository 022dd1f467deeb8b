using System.Threading.RateLimiting;

namespace MailProxy.Pipeline.Schedule;

/// <summary>A limit that refused.</summary>
/// <param name="WindowSeconds">1, 60, 3,600 or 86,400.</param>
/// <param name="Used">Counted and reserved.</param>
/// <param name="RetryAfter">When the request could be granted, if nothing else happened.</param>
internal sealed record LimitRefusal(int WindowSeconds, long Used, int Limit, TimeSpan RetryAfter)
{
    /// <summary>The limit has room; its pace says not yet.</summary>
    public bool IsPaced { get; init; }

    /// <summary>The limit of this day in the warm-up.</summary>
    public bool IsWarmUp { get; init; }

    /// <summary>The account was slowed by its provider, in words; null: it is a limit that a person set.</summary>
    public string? Adapted { get; init; }

    public string Window =>
        WindowSeconds switch
        {
            1 => "second",
            60 => "minute",
            3600 => "hour",
            _ => "day",
        };

    public override string ToString() =>
        Adapted
        ?? $"used {Used} of {Limit} {(IsWarmUp ? "today (UTC) in the warm-up" : "per " + Window)}{(IsPaced ? ", evenly spread" : "")}";
}

/// <summary>Permits of one <see cref="AccountRateLimiter"/>, reserved until they are spent or given back; or its refusal.</summary>
internal sealed class AccountLease(AccountRateLimiter? limiter, int permits) : RateLimitLease
{
    private const int Held = 0,
        Spent = 1,
        GivenBack = 2;

    private int _state;

    public override bool IsAcquired => limiter is not null;

    public int Permits => permits;

    public LimitRefusal? Refusal { get; private init; }

    public override IEnumerable<string> MetadataNames =>
        Refusal is null ? [] : [MetadataName.RetryAfter.Name, MetadataName.ReasonPhrase.Name];

    public static AccountLease Refused(LimitRefusal refusal) => new(null, 0) { Refusal = refusal };

    /// <summary>
    /// Counts the permits from now on, once. After a dispose they count too: the mark was written, whatever the sender thought.
    /// </summary>
    public void Spend()
    {
        var was = Interlocked.Exchange(ref _state, Spent);
        if (was != Spent)
            limiter?.End(permits, reserved: was == Held, spent: true);
    }

    public override bool TryGetMetadata(string metadataName, out object? metadata)
    {
        metadata =
            metadataName == MetadataName.RetryAfter.Name ? Refusal?.RetryAfter
            : metadataName == MetadataName.ReasonPhrase.Name ? Refusal?.ToString()
            : null;
        return metadata is not null;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.CompareExchange(ref _state, GivenBack, Held) == Held)
            limiter?.End(permits, reserved: true, spent: false);
    }
}
