using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Flow;

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

    /// <summary>What is asked of the account's rate; null: nothing.</summary>
    public SlowDown? Slow { get; init; }

    /// <summary>The account as the attempt knew it: trouble of a former one is no news of the one that is there now; null: any.</summary>
    public long? Version { get; init; }

    /// <summary>When the attempt began, by the clock's timestamps: one from before the circuit was closed says nothing of it; null: not
    /// known.</summary>
    public long? TriedAt { get; init; }

    /// <summary>It concerns every account of the same customer of the provider.</summary>
    public bool OfProviderTenant { get; init; }

    /// <summary>That customer, as accounts are compared by it; null: only this account is known to be concerned.</summary>
    public string? Customer { get; init; }

    /// <summary>The account of the same customer of the provider to which it was said; null: to this one.</summary>
    public string? Via { get; init; }

    /// <summary>The reply, to whom it was said when that was another, and the remedy if there is one.</summary>
    public string Explained =>
        (Via is null ? Reply : $"{Reply} (said to the account '{Via}', of the same customer of the provider)")
        + (Remedy is null ? "" : $" ({Remedy})");
}
