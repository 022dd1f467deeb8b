using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Ingest;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Persist;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Retain;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Send;
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

    /// <summary>Null: there are no links to large files.</summary>
    public LargeFileService? Links { get; init; }

    /// <summary>The attachment endpoint that is in force for a tenant; null: it has none.</summary>
    public Func<string, (Uri Address, SourceAuth? Auth)?> AttachmentEndpoint { get; init; } = static _ => null;

    /// <summary>A tenant's own rule of how long content stays; null: it has none.</summary>
    public Func<string, Retention?> RetentionOf { get; init; } = static _ => null;

    /// <summary>How tenants share what they use together.</summary>
    public TenantShare Share { get; init; } = TenantShare.Unlimited;

    /// <summary>Where every shared capacity is told, so that a tenant's part of it can be shown.</summary>
    public TenantShares Shares { get; init; } = new();

    /// <summary>Where fetched attachments are kept.</summary>
    public required string CacheDirectory { get; init; }

    /// <summary>The daemon's own files, which no mail may carry; null: there are none.</summary>
    public ProtectedFiles? Secret { get; init; }

    /// <summary>Where the SMTP servers that tenants name may be.</summary>
    public NetworkPolicy Network { get; init; } = NetworkPolicy.PublicOnly;
}

/// <summary>The map of the engine: makes the channels, builds the stages, runs, drains, aborts.</summary>
public sealed class MailPipeline : IAsyncDisposable
{
    private readonly PipelineOptions _options;
    private readonly PipelineServices _shared;

    private readonly Channel<Submission> _submissions;
    private readonly Channel<AcceptedBatch> _accepted;
    private readonly Channel<QueuedMail> _queued;
    private readonly Channel<DueMail> _due;
    private readonly Channel<ResolvedMail> _resolved;
    private readonly Channel<Outcome> _report;

    private readonly IngestStage _ingest;
    private readonly PersistStage _persist;
    private readonly AttachmentCache _cache;
    private readonly AttachmentFetcher _fetcher;
    private readonly AttachmentSources _sources;
    private readonly LinkUploader? _uploads;
    private readonly ResolveStage _resolve;
    private readonly SendStage _send;
    private readonly ReportStage _reportCapacity;
    private readonly ScheduleStage _schedule;
    private readonly WebhookReporter _webhooks;
    private readonly RetainStage _retain;
    private readonly AccountGate _gate;
    private readonly SmtpPool _pool;
    private readonly AsideIndex _aside = new();

    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly CancellationTokenSource _abandon = new();
    private Task _completion = Task.CompletedTask;

    public MailPipeline(PipelineOptions options, PipelineServices shared)
    {
        _options = options;
        _shared = shared;
        ILogger Log<T>() => shared.Logs.CreateLogger<T>();

        // Full: the endpoint waits, then answers 503; the bytes are bounded beside it by the endpoint's own budget.
        _submissions = Bounded<Submission>(options.Ingest.ChannelCapacity, manyReaders: true);
        // Full: Ingest waits.
        _accepted = Bounded<AcceptedBatch>(256);
        // Full: Persist lets the ticket go and tells the lane that the disk has more; it never waits.
        _queued = Bounded<QueuedMail>(4096);
        // Small: Schedule waits for capacity and only then chooses, so that late urgent mail still wins.
        _due = Bounded<DueMail>(16, manyReaders: true);
        // Small, and the bodies in it are bounded by a byte budget. Full: Resolve waits.
        _resolved = Bounded<ResolvedMail>(16, manyReaders: true);
        // Full: the writer waits. Report always empties it, so nobody waits for himself.
        _report = Bounded<Outcome>(1024);

        Wake = new Wake();
        var known = new KnownSources(
            shared.Volumes,
            tenant => shared.AttachmentEndpoint(tenant) is not null,
            options.Resolve.AllowedRoots,
            options.Resolve.MaxAttachmentBytes
        );
        _ingest = new(
            _submissions.Reader,
            _accepted.Writer,
            new SubmissionRules(shared.Accounts, known, options.Ingest, options.Send.MailKeyHeader),
            shared.Spool,
            options.Ingest,
            shared.Metrics,
            shared.Clock,
            shared.Share,
            Log<IngestStage>()
        );
        shared.Shares.Add("ingest_workers", _ingest.ShareOf);
        _gate = new(shared.Accounts, options.Limits, shared.Clock);
        _schedule = new(
            _queued.Reader,
            Wake,
            shared.Store,
            shared.Accounts,
            _gate,
            _due.Writer,
            shared.Health,
            shared.Metrics,
            options.Schedule,
            shared.Clock,
            Log<ScheduleStage>(),
            shared.Share,
            options.Send.MarksAhead
        );
        _persist = new(
            _accepted.Reader,
            shared.Store,
            _queued.Writer,
            Wake,
            _schedule.ExpiryHint,
            options.Persist,
            shared.Metrics,
            shared.AccountName,
            Log<PersistStage>()
        );
        Retention ContentRule(string tenant) => shared.RetentionOf(tenant) ?? options.Retention.ContentRule;
        _cache = new(
            shared.CacheDirectory,
            tenant => ContentRule(tenant) != Retention.None,
            options.Resolve,
            shared.Metrics,
            shared.Clock,
            Log<AttachmentCache>()
        );
        _sources = new(shared.Volumes, shared.AttachmentEndpoint, shared.Dialer, options.Resolve, shared.Clock, shared.Secret);
        var loads = new SharedCapacity(options.Resolve.Workers, shared.Share);
        var bodies = new BodyMemory(options.Resolve.BodyBytes, shared.Share);
        var ends = new FetchEnds(shared.Store, shared.Accounts, loads, _report.Writer, Log<AttachmentFetcher>());
        _fetcher = new(
            _cache,
            _sources,
            _sources.HostOf,
            Wake,
            ends.FailedAsync,
            options.Resolve,
            shared.Metrics,
            shared.Clock,
            Log<AttachmentFetcher>(),
            shared.Share,
            _aside
        );
        _uploads = shared.Links is { } links
            ? new(links.Files, Wake, ends.FailedAsync, shared.Metrics, Log<LinkUploader>(), shared.Share, _aside)
            : null;
        var attachments = new Attachments(_fetcher, shared.Accounts, shared.Links?.Files, _uploads);
        _resolve = new(
            _due.Reader,
            shared.Store,
            shared.Accounts,
            _resolved.Writer,
            _report.Writer,
            loads,
            bodies,
            _gate.SliceSize,
            attachments,
            Log<ResolveStage>()
        );
        _pool = new(shared.Accounts, options.Send, shared.Metrics, shared.Clock, Log<SmtpPool>(), shared.Network, shared.Share);
        _send = new(
            _resolved.Reader,
            _pool,
            shared.Marks,
            _report.Writer,
            Wake,
            options.Send,
            shared.Metrics,
            shared.AccountName,
            shared.Clock,
            Log<SendStage>(),
            shared.Share
        );
        _reportCapacity = new(
            _report.Reader,
            shared.Store,
            shared.Log,
            shared.Accounts,
            Wake,
            options.Report,
            shared.Metrics,
            shared.Clock,
            shared.Chance,
            Log<ReportStage>()
        );
        _retain = new(
            shared.Retention,
            new(ContentRule, options.Retention.Undelivered, options.Retention.Metadata, options.Retention.WebhookHold),
            shared.Metrics,
            shared.Clock,
            Log<RetainStage>()
        );
        _webhooks = new(
            shared.Log,
            shared.Http,
            options.Report,
            shared.Metrics,
            shared.Clock,
            shared.Chance,
            Log<WebhookReporter>(),
            shared.Share
        );
        shared.Shares.Add("loads", loads);
        shared.Shares.Add("body_bytes", bodies.Bytes);
        _schedule.ShowIn(shared.Shares);
        _fetcher.ShowIn(shared.Shares);
        _uploads?.ShowIn(shared.Shares);
        _pool.ShowIn(shared.Shares);
        _webhooks.ShowIn(shared.Shares);
    }

    /// <summary>Where the shell hands submissions over.</summary>
    public ChannelWriter<Submission> Submissions => _submissions.Writer;

    public Wake Wake { get; }

    // What people steer, by way of the shell.

    /// <summary>Nothing new is chosen until <see cref="Activate"/>; what is on its way goes on.</summary>
    public void Suspend() => _schedule.Suspend();

    public void Activate() => _schedule.Activate();

    public bool IsSuspended => _schedule.IsSuspended;

    /// <summary>Looks at everything at once; ends the back-off of accounts, not their limits.</summary>
    public void RunNow() => _schedule.RunNow();

    /// <summary>Ends back-off and quiet of a tenant's webhooks, or with null of everybody's.</summary>
    public void ReportNow(string? tenant) => _webhooks.RunNow(tenant);

    /// <summary>A stored message expires then.</summary>
    public void ExpiryHint(long at) => _schedule.ExpiryHint(at);

    /// <summary>Why an account's mail waits, or that it does not. From any thread.</summary>
    public LaneStatus Status(AccountKey account) => _schedule.Status(Lanes.Of(account));

    /// <summary>The connection that an account's mail waits for, or null. From any thread.</summary>
    public Connecting? ConnectingOf(AccountKey account) => _pool.ConnectingOf(account);

    /// <summary>Whether the lane's mail waits for a reason, and so is not overdue.</summary>
    public bool IsExcused(LaneKey lane) => _schedule.IsExcused(lane);

    /// <summary>A tenant is gone: so is what was fetched for it.</summary>
    public void ForgetContent(string tenant) => _cache.Forget(tenant);

    /// <summary>
    /// What the message of this number waits for though its turn had come; null: for nothing that it carries. From any thread.
    /// </summary>
    public string? SetAsideFor(long number) => _aside.Why(number);

    /// <summary>
    /// How many of the lane's mails, due before that time (Unix milliseconds), wait for what they carry. From any thread.
    /// </summary>
    public long SetAside(LaneKey lane, long before) => _aside.Count(lane, before);

    /// <summary>A webhook was changed.</summary>
    public void RefreshWebhooks() => _webhooks.Refresh();

    /// <summary>Brings the gauges up to date that are read at a scrape: channels and report lag.</summary>
    public void Measure()
    {
        _webhooks.Measure();
        void Depth(string channel, int count) => _shared.Metrics.ChannelDepth.WithLabels(channel).Set(count);
        Depth("ingest", _submissions.Reader.Count);
        Depth("persist", _accepted.Reader.Count);
        Depth("schedule", _queued.Reader.Count);
        Depth("resolve", _due.Reader.Count);
        Depth("send", _resolved.Reader.Count);
        Depth("report", _report.Reader.Count);
        foreach (var (name, times) in _shared.Shares.Refused)
            _shared.Metrics.SharesRefused.WithLabels(name).IncTo(times);
    }

    /// <summary>Ends when the pipeline has run dry; faults when a stage crashed, and then the process must end.</summary>
    public Task Completion => _completion;

    /// <summary>Recovers what a crash left open, then opens the channels.</summary>
    public async Task StartAsync(bool suspended)
    {
        _cache.Open();
        var recovery = await _shared.Store.RecoverAsync(_shared.Clock.GetUtcNow().ToUnixTimeMilliseconds());
        _gate.Seed(recovery.LimitUses);
        await _reportCapacity.SettleOpenAsync(recovery);

        _shared.Health.Changed += Wake.Look;
        _shared.Accounts.Changed += Wake.Look;
        _completion = RunAsync(recovery, suspended);
        _shared.Health.Running = true;
    }

    /// <summary>Takes nothing new, lets attempts under way end within the grace period, and runs dry.</summary>
    public async Task StopAsync()
    {
        _shared.Health.Running = false;
        _submissions.Writer.TryComplete();
        await _stop.CancelAsync();
        var grace = TimeSpan.FromSeconds(_options.Drain.GraceSeconds);
        using var letGo = _shared.Clock.CreateTimer(_ => _abort.Cancel(), null, grace, Timeout.InfiniteTimeSpan);
        using var giveUp = _shared.Clock.CreateTimer(
            _ => _abandon.Cancel(),
            null,
            grace + TimeSpan.FromSeconds(_options.Drain.ReplySeconds),
            Timeout.InfiniteTimeSpan
        );
        await _completion;
    }

    /// <summary>Lets go now: what is unanswered after the final dot is recorded as ambiguous.</summary>
    public void Abort()
    {
        _abort.Cancel();
        _abandon.Cancel();
    }

    public async ValueTask DisposeAsync()
    {
        _shared.Health.Changed -= Wake.Look;
        _shared.Accounts.Changed -= Wake.Look;
        await _pool.DisposeAsync();
        _sources.Dispose();
        _cache.Dispose();
        _gate.Dispose();
        _stop.Dispose();
        _abort.Dispose();
        _abandon.Dispose();
    }

    private async Task RunAsync(Recovery recovery, bool suspended)
    {
        var ingest = Stage.Link(_ingest.RunAsync(), _accepted.Writer);
        var persist = _persist.RunAsync();
        var schedule = Stage.Link(_schedule.RunAsync(recovery, suspended, _stop.Token), _due.Writer);
        var resolve = Stage.Link(_resolve.RunAsync(_stop.Token), _resolved.Writer);
        var fetches = _fetcher.RunAsync(_stop.Token);
        var uploads = _uploads?.RunAsync(_stop.Token) ?? Task.CompletedTask;
        var send = _send.RunAsync(_stop.Token, _abort.Token, _abandon.Token);
        var outcomes = Stage.Link(Task.WhenAll(resolve, fetches, uploads, send), _report.Writer);
        var report = _reportCapacity.RunAsync();
        var webhooks = _webhooks.RunAsync(_stop.Token);
        var retain = _retain.RunAsync(_stop.Token);
        var links = _shared.Links?.RunAsync(_stop.Token) ?? Task.CompletedTask;

        await foreach (
            var stage in Task.WhenEach(
                ingest,
                persist,
                schedule,
                resolve,
                fetches,
                uploads,
                send,
                outcomes,
                report,
                webhooks,
                retain,
                links
            )
        )
        {
            if (!stage.IsFaulted)
                continue;
            CloseEveryChannel(stage.Exception!.InnerException!);
            Abort();
            await _stop.CancelAsync();
            await stage;
        }
    }

    private void CloseEveryChannel(Exception fault)
    {
        _shared.Health.Running = false;
        _submissions.Writer.TryComplete(fault);
        _accepted.Writer.TryComplete(fault);
        _queued.Writer.TryComplete(fault);
        _due.Writer.TryComplete(fault);
        _resolved.Writer.TryComplete(fault);
        _report.Writer.TryComplete(fault);
    }

    private static Channel<T> Bounded<T>(int capacity, bool manyReaders = false) =>
        Channel.CreateBounded<T>(
            new BoundedChannelOptions(capacity) { SingleReader = !manyReaders, FullMode = BoundedChannelFullMode.Wait }
        );
}
