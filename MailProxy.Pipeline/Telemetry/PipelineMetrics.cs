using Prometheus;

namespace MailProxy.Pipeline.Telemetry;

/// <summary>
/// Every metric of the engine with its help text. Labels are bounded: tenants, accounts, and the closed sets named in the help.
/// </summary>
public sealed class PipelineMetrics
{
    /// <summary>Values of the label <c>scope</c>.</summary>
    public const string AccountLimit = "account",
        TenantLimit = "tenant",
        InstallationLimit = "installation";

    /// <summary>Values of the label <c>outcome</c>.</summary>
    public static readonly IReadOnlyList<string> AttemptOutcomes =
    [
        "accepted",
        "partial",
        "deferred",
        "refused",
        "in_doubt",
        "account",
        "unsendable",
        "postponed",
        "dropped",
    ];

    /// <summary>Values of the label <c>state</c> of <see cref="Closed"/>.</summary>
    public static readonly IReadOnlyList<string> ClosedStates = ["partially_sent", "ambiguous"];

    /// <summary>Values of the label <c>result</c> of <see cref="TokenRequests"/>.</summary>
    public static readonly IReadOnlyList<string> TokenResults = ["granted", "refused", "failed"];

    /// <summary>Values of the label <c>use</c>.</summary>
    public static readonly IReadOnlyList<string> ConnectionUses = ["busy", "idle"];

    public PipelineMetrics(CollectorRegistry registry)
    {
        var make = Metrics.WithCustomRegistry(registry);
        Accepted = make.CreateCounter(
            "mailproxy_messages_accepted_total",
            "Messages committed to the store, by tenant and account.",
            "tenant",
            "account"
        );
        Refused = make.CreateCounter("mailproxy_messages_refused_total", "Messages refused at ingest, by problem code.", "code");
        Shed = make.CreateCounter(
            "mailproxy_submissions_shed_total",
            "Submissions answered with 503, by reason: door_full, disk_low, store.",
            "reason"
        );
        Sent = make.CreateCounter(
            "mailproxy_messages_sent_total",
            "Messages all of whose recipients were accepted, by tenant and account.",
            "tenant",
            "account"
        );
        Failed = make.CreateCounter(
            "mailproxy_messages_failed_total",
            "Messages that ended without any recipient accepted, by tenant and account.",
            "tenant",
            "account"
        );
        Closed = make.CreateCounter(
            "mailproxy_messages_closed_total",
            "Messages that ended otherwise after an attempt, by tenant, account and state: partially_sent, ambiguous.",
            "tenant",
            "account",
            "state"
        );
        Deferred = make.CreateCounter(
            "mailproxy_messages_deferred_total",
            "Attempts after which a message waits for its retry, by tenant and account.",
            "tenant",
            "account"
        );
        Attempts = make.CreateCounter(
            "mailproxy_attempts_total",
            "Delivery attempts by tenant, account and outcome: accepted, partial, deferred, refused, in_doubt, account, unsendable, "
                + "postponed, dropped.",
            "tenant",
            "account",
            "outcome"
        );
        RulesMatched = make.CreateCounter(
            "mailproxy_rules_matched_total",
            "Refusals that a rule of a profile matched, by profile and rule: see the reference of profiles.",
            "profile",
            "rule"
        );
        TimeToFirstAttempt = make.CreateHistogram(
            "mailproxy_accept_to_first_attempt_seconds",
            "Time from acceptance (or send_at) to the beginning of the first attempt's body.",
            new HistogramConfiguration { Buckets = LatencyBuckets.Seconds }
        );
        TimeToSent = make.CreateHistogram(
            "mailproxy_accept_to_sent_seconds",
            "Time from acceptance (or send_at) to the state sent.",
            new HistogramConfiguration { Buckets = LatencyBuckets.Seconds }
        );
        Connections = make.CreateGauge(
            "mailproxy_smtp_connections",
            "Open SMTP connections by tenant, account and use: busy, idle.",
            "tenant",
            "account",
            "use"
        );
        ConnectionsOpened = make.CreateCounter(
            "mailproxy_smtp_connections_opened_total",
            "SMTP connections opened, by tenant and account.",
            "tenant",
            "account"
        );
        PipeliningStopped = make.CreateCounter(
            "mailproxy_smtp_pipelining_stopped_total",
            "Servers to which no envelope goes any more with the end of the message before, for a day, by why: refused, hung_up.",
            "why"
        );
        SecretEnds = make.CreateGauge(
            "mailproxy_account_secret_expires_timestamp_seconds",
            "When the account's secret or password ends (secret_expires_at), in Unix seconds, by tenant and account; only where it is set.",
            "tenant",
            "account"
        );
        TokenRequests = make.CreateCounter(
            "mailproxy_oauth_token_requests_total",
            "Requests for access tokens, by tenant, account and result: granted, refused (a person must look), failed (tried again).",
            "tenant",
            "account",
            "result"
        );
        PermitsRefused = make.CreateCounter(
            "mailproxy_permits_refused_total",
            "Times a rate limit made mail wait, by whose limit it is (scope: account, tenant, installation), tenant and account; "
                + "account is empty for the limit of a tenant, both are empty for that of the installation.",
            "tenant",
            "account",
            "scope"
        );
        BackingOff = make.CreateGauge(
            "mailproxy_account_backing_off",
            "1 while the account's circuit is open or half-open: its mail waits for one message to get through, by tenant and account.",
            "tenant",
            "account"
        );
        Circuits = make.CreateGauge(
            "mailproxy_account_circuits",
            "Accounts whose circuit is not closed, by state (open, half_open) and cause (authentication, connection, tls, protocol, "
                + "quota, throttled, configuration).",
            "state",
            "cause"
        );
        CircuitsOpened = make.CreateCounter(
            "mailproxy_account_circuits_opened_total",
            "Openings of circuits of accounts that were told, by cause: as mailproxy_account_circuits.",
            "cause"
        );
        AdaptedRate = make.CreateGauge(
            "mailproxy_account_adapted_rate",
            "Messages a minute that an account is slowed to because its provider asked for less, by tenant and account; only while it is.",
            "tenant",
            "account"
        );
        DestinationsSlowed = make.CreateGauge("mailproxy_destinations_slowed", "Domains that accounts are slowed for, of all accounts.");
        Suspended = make.CreateGauge("mailproxy_sending_suspended", "1 while a person has suspended all sending.");
        Build = make.CreateGauge("mailproxy_build_info", "Always 1, by version of the program.", "version");
        SharesRefused = make.CreateCounter(
            "mailproxy_tenant_shares_refused_total",
            "Times somebody waited for his tenant's share of something that tenants use together, or was refused it, by what: "
                + "the names under shares of GET /v1/tenants/{id}.",
            "share"
        );
        ReportLag = make.CreateGauge(
            "mailproxy_report_lag_seconds",
            "Age of the oldest event that an endpoint has not acknowledged, by tenant and endpoint.",
            "tenant",
            "endpoint"
        );
        ReportBacklog = make.CreateGauge(
            "mailproxy_report_backlog",
            "Events that an endpoint has not acknowledged, with those of the log that it has not looked at yet, by tenant and endpoint.",
            "tenant",
            "endpoint"
        );
        Reports = make.CreateCounter(
            "mailproxy_reports_total",
            "Webhook requests by tenant, endpoint and result: ok, failed.",
            "tenant",
            "endpoint",
            "result"
        );
        CommitSeconds = make.CreateHistogram(
            "mailproxy_store_commit_seconds",
            "Duration of one turn of the store's writer, from BEGIN to the end of COMMIT.",
            new HistogramConfiguration { Buckets = [.0002, .0005, .001, .002, .005, .01, .02, .05, .1, .25, 1, 5] }
        );
        CommitRows = make.CreateHistogram(
            "mailproxy_store_commit_batch_size",
            "Outcomes and messages written by one turn of the store's writer.",
            new HistogramConfiguration { Buckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] }
        );
        CommitFailures = make.CreateCounter("mailproxy_store_commit_failures_total", "Turns of the store's writer that failed.");
        LogDropped = make.CreateCounter(
            "mailproxy_log_lines_dropped_total",
            "Lines of the log that were dropped because whoever reads it is too slow or gone."
        );
        Spans = make.CreateCounter("mailproxy_spans_total", "Spans, by result: exported, failed, dropped (queue full).", "result");
        Purged = make.CreateCounter(
            "mailproxy_purged_total",
            "What retention took away, by what: content (bodies of finished messages), message, event.",
            "what"
        );
        Unsubscribes = make.CreateCounter("mailproxy_unsubscribes_total", "Unsubscribe links used: done, again, unknown.", "result");
        AttachmentBytes = make.CreateCounter("mailproxy_attachment_bytes_total", "Bytes of attachments fetched from their sources.");
        CacheHits = make.CreateCounter("mailproxy_attachment_cache_hits_total", "Attachments that were here when a mail's turn came.");
        CacheMisses = make.CreateCounter("mailproxy_attachment_cache_misses_total", "Attachments that a mail had to wait for.");
        CacheEvictions = make.CreateCounter(
            "mailproxy_attachment_cache_evictions_total",
            "Contents removed from the attachment cache, for capacity or for age."
        );
        CacheBytes = make.CreateGauge("mailproxy_attachment_cache_bytes", "Bytes in the attachment cache, with those that mail holds.");
        FetchSeconds = make.CreateHistogram(
            "mailproxy_attachment_fetch_seconds",
            "Duration of one fetch, by outcome: ok, gone, refused, down, disk, stopped.",
            new HistogramConfiguration { Buckets = LatencyBuckets.Seconds, LabelNames = ["outcome"] }
        );
        FetchesInFlight = make.CreateGauge("mailproxy_attachment_fetches_in_flight", "Attachments that are being fetched.");
        MailsAside = make.CreateGauge("mailproxy_mails_set_aside", "Mails whose turn had come and that wait for an attachment.");
        const string Channels = "Items waiting in a channel: ingest, persist, schedule, resolve, send, report.";
        ChannelDepth = make.CreateGauge("mailproxy_channel_depth", Channels, "door");
        QueueDepth = make.CreateGauge(
            "mailproxy_queue_depth",
            "Messages that are not final, by state and priority; counted at scrape time.",
            "state",
            "priority"
        );
        OldestDue = make.CreateGauge(
            "mailproxy_queue_oldest_due_seconds",
            "How long the oldest ready message has been due whose account is neither paused, parked nor at its limit."
        );
        Overdue = make.CreateGauge(
            "mailproxy_queue_overdue",
            "Ready messages due for more than a minute whose account is neither paused, parked nor at its limit; 0 in health."
        );
    }

    public Counter Accepted { get; }
    public Counter Refused { get; }
    public Counter Shed { get; }
    public Counter Sent { get; }
    public Counter Failed { get; }
    public Counter Closed { get; }
    public Counter Deferred { get; }
    public Counter Attempts { get; }
    public Counter RulesMatched { get; }
    public Histogram TimeToFirstAttempt { get; }
    public Histogram TimeToSent { get; }
    public Gauge Connections { get; }
    public Counter ConnectionsOpened { get; }
    public Counter PipeliningStopped { get; }
    public Counter TokenRequests { get; }
    public Gauge SecretEnds { get; }
    public Counter PermitsRefused { get; }
    public Gauge BackingOff { get; }
    public Gauge Circuits { get; }
    public Counter CircuitsOpened { get; }
    public Gauge AdaptedRate { get; }
    public Gauge DestinationsSlowed { get; }
    public Gauge Suspended { get; }
    public Gauge Build { get; }
    public Counter SharesRefused { get; }
    public Gauge ReportLag { get; }
    public Gauge ReportBacklog { get; }
    public Counter Reports { get; }
    public Histogram CommitSeconds { get; }
    public Histogram CommitRows { get; }
    public Counter CommitFailures { get; }
    public Counter LogDropped { get; }
    public Counter Spans { get; }
    public Counter Purged { get; }
    public Counter Unsubscribes { get; }
    public Counter AttachmentBytes { get; }
    public Counter CacheHits { get; }
    public Counter CacheMisses { get; }
    public Counter CacheEvictions { get; }
    public Gauge CacheBytes { get; }
    public Histogram FetchSeconds { get; }
    public Gauge FetchesInFlight { get; }
    public Gauge MailsAside { get; }
    public Gauge ChannelDepth { get; }
    public Gauge QueueDepth { get; }
    public Gauge OldestDue { get; }
    public Gauge Overdue { get; }

    public FlowHistory Flow { get; } = new();
}
