using System.ComponentModel.DataAnnotations;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline.Accounts;

/// <summary>How the connection to an SMTP server is protected (RFC 3207 STARTTLS, RFC 8314 implicit TLS).</summary>
public enum SmtpSecurity : byte
{
    None = 0,
    StartTls = 1,
    Tls = 2,
    StartTlsWhenAvailable = 3,
}

/// <summary>What may be under way to a server that offers PIPELINING (RFC 2920) without an answer yet.</summary>
public enum SmtpPipelining : byte
{
    /// <summary>One command at a time.</summary>
    Off = 0,

    /// <summary>MAIL, RCPT and DATA of one message.</summary>
    Envelope = 1,

    /// <summary>These, and the end of the message before.</summary>
    Next = 2,
}

/// <summary>What an account's limits count.</summary>
public enum LimitCount : byte
{
    Recipients = 0,
    Messages = 1,
}

/// <summary>What happens to a mail when a limit is reached: it waits, or it fails at once.</summary>
public enum LimitReached : byte
{
    Wait = 0,
    Fail = 1,
}

/// <summary>How many an account may send in any 1, 60, 3,600 and 86,400 seconds (rolling windows). Null is no limit.</summary>
/// <param name="PerSecond">In any second.</param>
/// <param name="PerMinute">In any 60 seconds.</param>
/// <param name="PerHour">In any 3,600 seconds.</param>
/// <param name="PerDay">In any 86,400 seconds.</param>
/// <param name="Burst">How many may go at once after a pause; absent: 10, or what a limit lets go in a 120th of its time when that is more.
/// With <paramref name="PerSecond"/> it makes the second a token bucket of this size instead of a window.</param>
/// <param name="Count">What is counted: each recipient, or each message.</param>
/// <param name="WhenReached">Whether mail waits or fails when a limit is reached.</param>
/// <param name="Paced">Whether what a minute, an hour or a day allows goes evenly over that time; otherwise at once, until the limit is
/// reached. Not when mail fails at the limit.</param>
public sealed record AccountLimits(
    [property: Range(1, 1_000_000_000)] int? PerSecond = null,
    [property: Range(1, 1_000_000_000)] int? PerMinute = null,
    [property: Range(1, 1_000_000_000)] int? PerHour = null,
    [property: Range(1, 1_000_000_000)] int? PerDay = null,
    [property: Range(1, 1_000_000_000)] int? Burst = null,
    LimitCount Count = LimitCount.Recipients,
    LimitReached WhenReached = LimitReached.Wait,
    bool Paced = true
)
{
    public static readonly AccountLimits None = new();

    private const int LeastDepth = 10,
        SlotsOfAWindow = 120;

    /// <summary>What each day allows at first; null: there is no warm-up.</summary>
    internal WarmUp? WarmUp { get; init; }

    /// <summary>Of an account: what goes to each domain; null: no more is said of that.</summary>
    internal DestinationLimits? Destinations { get; init; }

    public bool IsUnlimited => PerSecond is null && PerMinute is null && PerHour is null && PerDay is null && WarmUp is null;

    /// <summary>
    /// The smallest window's size: no transaction may ask for more permits than this. <see cref="int.MaxValue"/> when unlimited.
    /// </summary>
    public int SmallestWindow =>
        Math.Min(
            Math.Min(Burst ?? PerSecond ?? int.MaxValue, PerMinute ?? int.MaxValue),
            Math.Min(PerHour ?? int.MaxValue, PerDay ?? int.MaxValue)
        );

    /// <summary>How many a paced limit of so many lets go at once; null: it is not paced.</summary>
    internal int? DepthOf(int limit) =>
        Paced && WhenReached == LimitReached.Wait ? Math.Min(limit, Burst ?? Math.Max(LeastDepth, (limit / SlotsOfAWindow) + 1)) : null;
}

/// <summary>DKIM signing of an account's mail (RFC 6376); relaxed/relaxed, rsa-sha256 or ed25519-sha256 by the key.</summary>
/// <param name="PrivateKey">PEM. A secret: encrypted at rest, never shown.</param>
public sealed record DkimKey(string Domain, string Selector, string PrivateKey)
{
    /// <summary>For <c>d=</c>: A-labels (RFC 6376 section 3.5, RFC 8616).</summary>
    public string SigningDomain { get; } = DomainNames.ToAscii(Domain) ?? Domain;

    /// <summary>For <c>s=</c>.</summary>
    public string SigningSelector { get; } = DomainNames.ToAscii(Selector) ?? Selector;
}

/// <summary>
/// One SMTP account (smart host), as the stages see it: secrets decrypted, immutable. A changed account is a new object with the same key
/// and a higher <see cref="Version"/>.
/// </summary>
public sealed record SmtpAccount
{
    public required AccountKey Key { get; init; }
    public required string Tenant { get; init; }
    public required string Id { get; init; }

    /// <summary>Raised by every change; a pooled connection of an older version is not used again.</summary>
    public required long Version { get; init; }

    /// <summary>Null for the sandbox account; the pool then asks <see cref="AccountDirectory"/> for the catcher's endpoint.</summary>
    public string? Host { get; init; }

    /// <summary>TCP port, 1 to 65535.</summary>
    public int Port { get; init; }

    public SmtpSecurity Security { get; init; }
    public bool VerifyCertificate { get; init; } = true;
    public string? User { get; init; }
    public string? Password { get; init; }
    public bool PasswordSet => Password is not null;

    /// <summary>Tokens instead of a password.</summary>
    public OAuthLogin? OAuth { get; init; }

    /// <summary>When the provider's secret or password ends, as a person noted it; Unix milliseconds.</summary>
    public long? SecretExpiresAt { get; init; }

    /// <summary>Names the customer of the provider, for accounts that share one; null: see <see cref="ProviderTenants"/>.</summary>
    public string? ProviderTenant { get; init; }

    public AccountLimits Limits { get; init; } = AccountLimits.None;

    /// <summary>Connections at the same time, 1 to 100; default 8.</summary>
    public int MaxConnections { get; init; } = 8;

    /// <summary>Messages before a connection is closed and opened anew, 1 to 10,000; default 100.</summary>
    public int MaxMessagesPerConnection { get; init; } = 100;

    /// <summary>Recipients of one transaction, 1 to 1,000; default 50.</summary>
    public int MaxRecipients { get; init; } = 50;

    /// <summary>How far ahead of the answers commands go, when the server offers that.</summary>
    public SmtpPipelining Pipelining { get; init; } = SmtpPipelining.Next;

    /// <summary>
    /// Whole messages that may be unanswered when the server offers CHUNKING (RFC 3030), 0 to 64; 0, the default: none go so.
    /// </summary>
    public int Chunking { get; init; }

    /// <summary>Mails of which something may be under way over one connection.</summary>
    public int UnansweredMails => Math.Max(Pipelining == SmtpPipelining.Next ? 2 : 1, Chunking);

    public DkimKey? Dkim { get; init; }

    /// <summary>Keys that were made here, for any number of domains.</summary>
    public IReadOnlyList<ManagedDkimKey> DkimKeys { get; init; } = [];

    /// <summary>What its mail may be signed with; null: nothing.</summary>
    public SigningKeys? Signing => Dkim is null && DkimKeys.Count == 0 ? null : new(Dkim, DkimKeys);

    /// <summary>Addresses or <c>@domain</c>s that From may have; empty: any.</summary>
    public IReadOnlyList<string> FromAllowed { get; init; } = [];

    /// <summary>The rule for large attachments; null: the tenant's.</summary>
    public LargeFiles? LargeFiles { get; init; }

    /// <summary>How long after acceptance or send_at its messages expire that say nothing else; null: the tenant's rule.</summary>
    public TimeSpan? ExpiresAfter { get; init; }

    /// <summary>Waits before each retry; null: the tenant's.</summary>
    public RetrySchedule? Retry { get; init; }

    public string? Description { get; init; }

    /// <summary>Delivers to the built-in catcher.</summary>
    public bool Sandbox { get; init; }

    /// <summary>Host and port were set with a tenant's key: only addresses that the network policy allows are connected to.</summary>
    public bool ByTenant { get; init; }

    /// <summary>Paused by a person: its mail waits.</summary>
    public bool Paused { get; init; }

    /// <summary>
    /// Sending was suspended for its whole tenant: its mail waits. Put in by <see cref="AccountDirectory"/>, not stored with the account.
    /// </summary>
    public bool TenantSuspended { get; init; }

    /// <summary>
    /// Recipients that one transaction may carry: <see cref="MaxRecipients"/>, or the smallest window when that is smaller.
    /// </summary>
    public int SliceSize => Limits.Count == LimitCount.Recipients ? Math.Min(MaxRecipients, Limits.SmallestWindow) : MaxRecipients;

    /// <summary>The labels of its metrics.</summary>
    public AccountLabel Label => new(Tenant, Id);

    // A record's generated text would carry the password into a log.
    public override string ToString() => $"{Tenant}/{Id}";
}
