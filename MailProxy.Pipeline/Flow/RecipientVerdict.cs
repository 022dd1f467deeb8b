namespace MailProxy.Pipeline.Flow;

/// <summary>What the server said of one recipient.</summary>
public enum Verdict : byte
{
    Accepted = 0,
    Deferred = 1,
    Refused = 2,

    /// <summary>The body went out and no reply is known.</summary>
    InDoubt = 3,

    /// <summary>
    /// Not offered in this transaction (too many recipients), or not answered before it ended: goes out in the next, and loses no attempt.
    /// </summary>
    NotTried = 4,

    /// <summary>The tenant's suppression list keeps the mail from it.</summary>
    Suppressed = 5,
}

/// <param name="SmtpCode">Reply code, or null when none was received.</param>
/// <param name="EnhancedCode">RFC 3463 code, ours when the server gave none.</param>
/// <param name="RetryAfter">A delay that the reply named.</param>
public sealed record RecipientVerdict(
    int Ordinal,
    string Address,
    Verdict Verdict,
    int? SmtpCode,
    string? EnhancedCode,
    string? Reply,
    TimeSpan? RetryAfter = null
)
{
    /// <summary>The rule of a profile that decided, as <c>profile/rule</c>; null: none did.</summary>
    public string? Rule { get; init; }

    /// <summary>The server takes it for greylisting: the next attempt counts only when it comes the same way.</summary>
    public bool IsGreylisted { get; init; }

    /// <summary>The account may not send for this sender: another account may.</summary>
    public bool IsExcluded { get; init; }

    /// <summary>What is asked of the rate at which the account's mail to its domain goes; null: nothing.</summary>
    public SlowDown? Slow { get; init; }

    /// <summary>The retry comes no earlier, whatever the schedule says.</summary>
    public TimeSpan? LeastWait { get; init; }
}
