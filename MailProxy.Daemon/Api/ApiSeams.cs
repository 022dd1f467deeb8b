using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Daemon.Api;

// What the HTTP edge asks of stages that it must not name: functions, given by the wiring.

/// <summary>The dispatcher as people steer it.</summary>
/// <param name="ExpiryHint">A message expires at this time (Unix milliseconds), perhaps earlier than Schedule thinks.</param>
/// <param name="ReportNow">Ends back-off and quiet of a tenant's webhooks; null: of everybody's.</param>
/// <param name="Waiting">Why an account's lane waits, or null when it does not.</param>
public sealed record DispatcherControl(
    Action Suspend,
    Action Activate,
    Action RunNow,
    Func<bool> IsSuspended,
    Action<long> ExpiryHint,
    Func<AccountKey, LaneWait?> Waiting,
    Action<string?> ReportNow
)
{
    /// <summary>What the message of this number waits for though its turn had come, or null.</summary>
    public Func<long, string?> SetAsideFor { get; init; } = static _ => null;

    /// <summary>How many of a lane's messages, due before a time (Unix milliseconds), wait for what they carry.</summary>
    public Func<LaneKey, long, long> SetAside { get; init; } = static (_, _) => 0;

    /// <summary>How far ahead of the answers an account's commands go now, and why not as far as it says; null: they do.</summary>
    public Func<SmtpAccount, (SmtpPipelining Now, string? Why)> Pipelining { get; init; } = static account => (account.Pipelining, null);

    /// <summary>How far each limit of an account, a tenant or the installation is used up.</summary>
    public Func<LimitKey, IReadOnlyList<LimitUsage>> Limits { get; init; } = static _ => [];

    /// <summary>Domains of an account whose limits are used, those that hold mail up first.</summary>
    public Func<SmtpAccount, IReadOnlyList<DestinationUsage>> Destinations { get; init; } = static _ => [];

    /// <summary>When mail to the domains may go by an account, the first of them, and why not now; null: it may.</summary>
    public Func<SmtpAccount, IReadOnlyList<string>, DestinationHold?> DestinationHold { get; init; } = static (_, _) => null;

    /// <summary>An account's circuit and how it stands; null: it is closed.</summary>
    public Func<AccountKey, (CircuitState State, Circuit Circuit)?> Circuit { get; init; } = static _ => null;

    /// <summary>Closes an account's circuit; false: it was closed. The text says what closes it.</summary>
    public Func<SmtpAccount, string, bool> ResetCircuit { get; init; } = static (_, _) => false;

    /// <summary>The rate that an account is slowed to; null: it is not.</summary>
    public Func<AccountKey, AdaptedRate?> Adapted { get; init; } = static _ => null;

    /// <summary>Lets an account go as fast as it is configured to; false: it did.</summary>
    public Func<SmtpAccount, bool> ResetAdapted { get; init; } = static _ => false;

    /// <summary>One message tries each account of a tenant that is in trouble, now.</summary>
    public Action<string> ProbeNow { get; init; } = static _ => { };

    /// <summary>Everything that holds a lane's mail, and how many of its attempts are under way.</summary>
    public Func<LaneKey, LaneView> Lane { get; init; } = static _ => new([], 0);

    /// <summary>Whether a lane has a reason to wait, or had one within the last minute.</summary>
    public Func<LaneKey, bool> IsExcused { get; init; } = static _ => false;
}

/// <summary>Why a lane waits.</summary>
/// <param name="Reason">
/// A stable snake_case word: <c>account_paused</c>, <c>tenant_suspended</c>, <c>account_limit</c>, <c>tenant_limit</c>,
/// <c>tenant_share</c>,
/// <c>account_backoff</c>, <c>account_probe</c>, <c>account_slowed</c>, <c>pool</c>, <c>connecting</c>, <c>account_busy</c>,
/// <c>installation_limit</c>,
/// <c>dispatcher_suspended</c>, <c>store</c>, <c>other_node</c>, <c>no_node</c>.
/// </param>
/// <param name="Until">Unix milliseconds, or null when nobody knows.</param>
/// <param name="Detail">For a person; the server's own words when the account backs off.</param>
public sealed record LaneWait(string Reason, long? Until = null, string? Detail = null);

/// <summary>How one lane stands.</summary>
/// <param name="Gates">What holds its mail, in the order in which mail meets it; empty: nothing.</param>
/// <param name="InFlight">Attempts under way.</param>
public sealed record LaneView(IReadOnlyList<LaneWait> Gates, int InFlight);

/// <summary>Connects to an account's server and authenticates, without sending.</summary>
public delegate Task<AccountTestAnswer> AccountTest(SmtpAccount account, CancellationToken cancel);

/// <summary>Renders a stored message as it goes (or went) out, RFC 5322.</summary>
public delegate Task WriteRaw(MailContent content, SmtpAccount? account, Stream target, CancellationToken cancel);

/// <summary>Judges whether stored messages may go another way.</summary>
/// <param name="NeedsContent">Whether that depends on a message's senders.</param>
/// <param name="To">The change; null: no account there may send from the message's From address.</param>
public sealed record RerouteRules(
    Func<SmtpAccount?, Pool?, bool> NeedsContent,
    Func<SmtpAccount?, Pool?, MailContent?, MessageChange.Reroute?> To
);

/// <summary>Called after a webhook changed, so that its reporter reads it anew.</summary>
public delegate void WebhooksChanged();

/// <summary>Called after a tenant was deleted, so that what was fetched for it goes too.</summary>
public delegate void ForgetContent(string tenant);

/// <summary>Sends an endpoint a request that tells of nothing.</summary>
public delegate Task<WebhookTestAnswer> WebhookTrial(WebhookEndpoint endpoint, CancellationToken cancel);

/// <summary>The last answers of a tenant's webhook, the newest first.</summary>
public delegate IReadOnlyList<WebhookReply> WebhookHeard(string tenant, string id);

/// <summary>Finds what a link of this daemon leads to.</summary>
public delegate Task<Download> OpenDownload(string token, bool head, CancellationToken cancel);

/// <summary>Whether every file below a root is the daemon's own, so that no volume may be there.</summary>
public delegate bool IsProtectedRoot(string root);

/// <summary>Free bytes on the disk of the data directory.</summary>
public delegate long FreeDisk();

/// <summary>Begins a spool file. Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> when there is
/// no place for it.</summary>
public delegate SpoolDraft BeginSpool();

/// <summary>What is missing of the daemon's own files, or null.</summary>
public delegate NotReady? StorageLook();

/// <summary>The built-in catcher's mailbox as people see it.</summary>
/// <param name="List">Newest first: up to a count of mails older than a number (null: from the newest).</param>
/// <param name="Raw">One mail's bytes, or null when it is gone.</param>
/// <param name="Forget">Takes away every mail to an address; how many.</param>
public sealed record SandboxView(
    Func<int, long?, IReadOnlyList<SandboxMailAnswer>> List,
    Func<long, ReadOnlyMemory<byte>?> Raw,
    Func<string, int> Forget
);
