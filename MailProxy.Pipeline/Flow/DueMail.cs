using System.Threading.RateLimiting;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Flow;

// Schedule → Resolve.

/// <summary>
/// The right to try one mail once. Disposed without <see cref="Spend"/> it gives every permit back, the installation's too.
/// </summary>
public abstract class SendPermit : RateLimitLease
{
    /// <summary>Permits held, and under which keys they count once they are spent.</summary>
    public virtual PermitCounts Counts => PermitCounts.None;

    /// <summary>Recipients that it was taken for: the transaction must not carry more.</summary>
    public virtual int MaxRecipients => int.MaxValue;

    /// <summary>
    /// Why there is no permit, when <see cref="RateLimitLease.IsAcquired"/> is false: the mail fails rather than waits, so it is to be
    /// reported as <see cref="Outcome.Unsendable"/>. Null without a permit: it is put off, and <see cref="AskDestinations"/> says until
    /// when.
    /// </summary>
    public virtual string? Refusal => null;

    /// <summary>The enhanced status code (RFC 3463) of a mail that fails so.</summary>
    public virtual string RefusalStatus => "5.7.28";

    /// <summary>The mark is on disk: what is held counts as used from now on.</summary>
    public abstract void Spend();
}

/// <summary>A mail whose turn has come, and the account that it goes by: that is chosen with the permit.</summary>
public readonly record struct DueMail(QueuedMail Ticket, AccountKey Account, SendPermit Permit)
{
    /// <summary>The account's circuit is half-open: this mail tries it, on a connection of its own.</summary>
    public bool IsProbe { get; init; }
}
