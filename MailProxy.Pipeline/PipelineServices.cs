using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Profiles;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Send.Tokens;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline;

/// <summary>What the stages share and do not own.</summary>
public sealed record PipelineServices(
    IMessageStore Store,
    IMarks Marks,
    IDeliveryLog Log,
    IRetentionStore Retention,
    CurrentAccounts Accounts,
    Func<AccountKey, string> AccountName,
    SpoolFiles Spool,
    HttpMessageInvoker Http,
    Dialer Dialer,
    PipelineHealth Health,
    PipelineMetrics Metrics,
    TimeProvider Clock,
    Func<double> Chance,
    ILoggerFactory Logs
)
{
    public CurrentVolumes Volumes { get; init; } = new();

    /// <summary>Of accounts that log in with tokens; null: those get no connection.</summary>
    public AccountTokens? Tokens { get; init; }

    /// <summary>What was told of the coming end of secrets.</summary>
    public required ISecretWarnings SecretWarnings { get; init; }

    /// <summary>What accounts have sent to single domains.</summary>
    public required IDestinationUses Destinations { get; init; }

    /// <summary>How accounts in trouble stood at the end of the last run.</summary>
    public required ICircuitStore Circuits { get; init; }

    /// <summary>What this node does, and what others do that share the store.</summary>
    public ILeases Leases { get; init; } = new SoleNode();

    /// <summary>From where lanes of other nodes are taken over; null: there are none.</summary>
    public ILaneStore? Lanes { get; init; }

    /// <summary>Null: there are no links to large files.</summary>
    public LargeFileService? Links { get; init; }

    /// <summary>Makes the links to unsubscribe; null: there are none.</summary>
    public UnsubscribeLinks? Unsubscribe { get; init; }

    /// <summary>The attachment endpoint that is in force for a tenant; null: it has none.</summary>
    public Func<string, (Uri Address, SourceAuth? Auth)?> AttachmentEndpoint { get; init; } = static _ => null;

    /// <summary>A tenant's own rule of how long content stays; null: it has none.</summary>
    public Func<string, Retention?> RetentionOf { get; init; } = static _ => null;

    /// <summary>How tenants share what they use together.</summary>
    public TenantShare Share { get; init; } = TenantShare.Unlimited;

    /// <summary>How webhooks answered of late.</summary>
    public EndpointAnswers WebhookAnswers { get; init; } = new();

    /// <summary>Where every shared capacity is told, so that a tenant's part of it can be shown.</summary>
    public TenantShares Shares { get; init; } = new();

    /// <summary>What the replies of providers mean.</summary>
    public ProfileSet Profiles { get; init; } = ProfileSet.Shipped;

    /// <summary>The customer of the provider to whom an account belongs; null: nothing is known of one.</summary>
    internal string? CustomerOf(SmtpAccount account)
    {
        var profile = Profiles.For(account.Host).Name;
        return ProviderTenants.Of(account, profile == ProfileSet.Any ? account.Host?.ToLowerInvariant() ?? "" : profile);
    }

    /// <summary>Where fetched attachments are kept.</summary>
    public required string CacheDirectory { get; init; }

    /// <summary>The daemon's own files, which no mail may carry; null: there are none.</summary>
    public ProtectedFiles? Secret { get; init; }

    /// <summary>Where the SMTP servers that tenants name may be.</summary>
    public NetworkPolicy Network { get; init; } = NetworkPolicy.PublicOnly;

    /// <summary>What opens and closes the circuits of accounts.</summary>
    internal AccountWatch Watch(ReportOptions options, Wake wake) =>
        new(new(options, Chance), Accounts, wake, Log, Circuits, Metrics, CustomerOf, Clock, Logs.CreateLogger<AccountWatch>());

    /// <summary>What tells webhooks.</summary>
    internal WebhookReporter Webhooks(ReportOptions options) =>
        new(Log, Http, options, Metrics, Clock, Chance, Logs.CreateLogger<WebhookReporter>(), Share, WebhookAnswers, KeepsHouse);

    internal bool KeepsHouse() => Leases.IsInTouch && Leases.Now.KeepsHouse;
}
