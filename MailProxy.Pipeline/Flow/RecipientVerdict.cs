using MailProxy.Pipeline.Mail;

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

    /// <summary>The retry comes no earlier, whatever the schedule says.</summary>
    public TimeSpan? LeastWait { get; init; }
}

/// <summary>What is wrong with an account.</summary>
public enum TroubleKind : byte
{
    Connect = 0,
    Tls = 1,
    Greeting = 2,
    Authentication = 3,
    Throttled = 4,
    Protocol = 5,
    Configuration = 6,

    /// <summary>The provider lets the account send nothing more, until a person acts.</summary>
    Quota = 7,
}

/// <summary>Why an account backs off.</summary>
public sealed record AccountTrouble(
    AccountKey Account,
    TroubleKind Kind,
    int? SmtpCode,
    string? EnhancedCode,
    string Reply,
    TimeSpan? RetryAfter = null
)
{
    /// <summary>The rule of a profile that decided, as <c>profile/rule</c>; null: none did.</summary>
    public string? Rule { get; init; }

    /// <summary>What a person can do, in a sentence.</summary>
    public string? Remedy { get; init; }

    /// <summary>How long it rests the first time, the second in a row …; the last repeats. Empty: by its kind.</summary>
    public IReadOnlyList<TimeSpan> Steps { get; init; } = [];

    /// <summary>The reply, and the remedy if there is one.</summary>
    public string Explained => Remedy is null ? Reply : $"{Reply} ({Remedy})";
}
