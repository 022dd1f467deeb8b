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
);

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
    /// <summary>What a person should look at; null: the reply says all that is known.</summary>
    public string? Remedy { get; init; }

    /// <summary>The reply, and what to look at.</summary>
    public string Words => Remedy is null ? Reply : $"{Reply}{Remedy}";
}
