using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Accounts;

/// <summary>One tenant, as the stages see it: secrets decrypted, immutable. A changed tenant is a new object.</summary>
public sealed record Tenant
{
    /// <summary>The tenant that is there from the start and cannot be deleted.</summary>
    public const string DefaultId = "default";

    public required string Id { get; init; }

    /// <summary>For people.</summary>
    public required string Name { get; init; }

    /// <summary>The account of messages that name none; null: the only one there is.</summary>
    public string? DefaultAccount { get; init; }

    /// <summary>False: sending is suspended by a person, and all its mail waits.</summary>
    public bool Active { get; init; } = true;

    /// <summary>Addresses that a server says do not exist come onto its suppression list.</summary>
    public bool SuppressBounces { get; init; }

    /// <summary>The pool of messages that name neither account nor pool.</summary>
    public string? DefaultPool { get; init; }

    /// <summary>Given by the store; never used again for another tenant. 0: not stored yet.</summary>
    public int Number { get; init; }

    /// <summary>How much all its accounts may send together, behind the installation's limit and in front of each account's own.</summary>
    public AccountLimits Limits { get; init; } = AccountLimits.None;

    /// <summary>What its limits are counted under; not before it is stored.</summary>
    public LimitKey LimitKey => LimitKey.OfTenant(Number);

    /// <summary>
    /// How long after acceptance or send_at its messages expire that say nothing else; null: the installation's own rule.
    /// </summary>
    public TimeSpan? ExpiresAfter { get; init; }

    /// <summary>Waits before each retry; null: the installation's own schedule.</summary>
    public RetrySchedule? Retry { get; init; }

    /// <summary>How long bodies and attachments stay; null: the installation's own rule.</summary>
    public Retention? Retain { get; init; }

    public LargeFiles? LargeFiles { get; init; }

    public AttachmentEndpoint? AttachmentEndpoint { get; init; }

    // A record's generated text would carry what belongs to the endpoint into a log.
    public override string ToString() => Id;
}

/// <summary>What happens to an attachment that is larger than the threshold.</summary>
public enum LargeFileAction : byte
{
    /// <summary>It is sent, and the log and an event say so.</summary>
    Warn = 0,

    /// <summary>The message fails.</summary>
    Reject = 1,

    /// <summary>It is put into a volume and the message carries a link.</summary>
    Link = 2,
}

/// <summary>A tenant's rule for large attachments.</summary>
/// <param name="Threshold">Bytes; what is larger is large.</param>
/// <param name="Volume">Where linked files are put; set with <see cref="LargeFileAction.Link"/> only.</param>
/// <param name="LifetimeDays">Days that a link lives, 1 to 3,650; default 30.</param>
public sealed record LargeFiles(
    long Threshold,
    LargeFileAction Action,
    string? Volume = null,
    int LifetimeDays = LargeFiles.DefaultLifetimeDays
)
{
    public const int DefaultLifetimeDays = 30;

    /// <summary>Where somebody else serves the files of the volume: a link is this and the file's path. Null: this daemon or the volume's
    /// store serves them.</summary>
    public string? PublicUrl { get; init; }
}

/// <summary>The tenant's own server that attachments named by a storage path come from.</summary>
public sealed record AttachmentEndpoint(Uri Url, SourceAuth? Auth = null)
{
    public override string ToString() => Url.GetLeftPart(UriPartial.Path);
}
