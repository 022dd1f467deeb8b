using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Ingest;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Persist;
using MailProxy.Pipeline.Profiles;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Retain;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Send;
using MailProxy.Pipeline.Sharing;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline;

/// <summary>The map of the engine: joins the stages by channels, in the order of the flow; what people steer, they steer here.</summary>
public sealed class MailPipeline : IAsyncDisposable
{
    private readonly PipelineServices _shared;
    private readonly PipelineChannels _channels;
    private readonly PipelineRun _run;
    private readonly AttachmentCache _cache;
    private readonly AttachmentSources _sources;
    private readonly ReportStage _reportStage;
    private readonly ScheduleStage _schedule;
    private readonly WebhookReporter _webhooks;
    private readonly SmtpPool _pool;
    private readonly AsideIndex _aside = new();
    private readonly AccountMetrics _accountMetrics;
    private readonly AccountWatch _watch;

    public MailPipeline(PipelineOptions options, PipelineServices shared)
    {
        _shared = shared;
        ILogger Log<T>() => shared.Logs.CreateLogger<T>();

        _channels = new(options.Ingest.ChannelCapacity);
        Wake = new Wake();
        _accountMetrics = new(shared.Accounts, shared.Metrics);
        var known = new KnownSources(
            shared.Volumes,
            tenant => shared.AttachmentEndpoint(tenant) is not null,
            options.Resolve.AllowedRoots,
            options.Resolve.MaxAttachmentBytes
        );
        var ingest = new IngestStage(
            _channels.Submissions.Reader,
            _channels.Accepted.Writer,
            new SubmissionRules(shared.Accounts, known, options.Ingest, options.Send.MailKeyHeader, shared.Unsubscribe),
            shared.Spool,
            options.Ingest,
            shared.Metrics,
            shared.Clock,
            shared.Share,
            Log<IngestStage>()
        );
        var persist = new PersistStage(
            _channels.Accepted.Reader,
            shared.Store,
            _channels.Queued.Writer,
            Wake,
            ExpiryHint,
            options.Persist,
            shared.Metrics,
            shared.AccountName,
            shared.Clock,
            Log<PersistStage>()
        );
        var gate = new AccountGate(shared.Accounts, options.Limits, shared.Clock);
        var destinations = new DestinationGate(shared.Accounts, shared.Clock, shared.Share);
        _schedule = new(
            _channels.Queued.Reader,
            Wake,
            shared.Store,
            shared.Accounts,
            gate,
            _channels.Due.Writer,
            shared.Health,
            shared.Metrics,
            options.Schedule,
            shared.Clock,
            Log<ScheduleStage>(),
            shared.Share,
            options.Send.Ahead,
            destinations.Slow,
            shared.Leases
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
        var bodies = new BodyMemory(Math.Min(options.Resolve.BodyBytes, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8), shared.Share);
        var ends = new FetchEnds(shared.Store, shared.Accounts, loads, _channels.Report.Writer, Log<AttachmentFetcher>());
        var fetcher = new AttachmentFetcher(
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
        var uploads = shared.Links is { } links
            ? new LinkUploader(links.Files, Wake, ends.FailedAsync, shared.Metrics, Log<LinkUploader>(), shared.Share, _aside)
            : null;
        var attachments = new Attachments(fetcher, shared.Accounts, shared.Links?.Files, uploads);
        var resolve = new ResolveStage(
            _channels.Due.Reader,
            shared.Store,
            shared.Accounts,
            _channels.Resolved.Writer,
            _channels.Report.Writer,
            loads,
            bodies,
            gate.SliceSize,
            destinations.Questions,
            attachments,
            shared.Clock,
            Log<ResolveStage>()
        );
        var tokens = shared.Tokens;
        _pool = new(shared.Accounts, options.Send, shared.Metrics, shared.Clock, Log<SmtpPool>(), shared.Network, shared.Share, tokens);
        var send = new SendStage(
            _channels.Resolved.Reader,
            _pool,
            shared.Marks,
            _channels.Report.Writer,
            Wake,
            options.Send,
            shared.Metrics,
            shared.Accounts,
            shared.Clock,
            Log<SendStage>(),
            shared.Share,
            new(shared.Profiles, shared.Clock, shared.Metrics, Log<ReplyJudge>()),
            shared.Unsubscribe,
            account => _watch!.IsHeld(account)
        );
        _watch = shared.Watch(options.Report, Wake);
        Accounts = new(_watch, gate, destinations, _pool, shared.Accounts, Wake, shared.Clock);
        _reportStage = new(
            _channels.Report.Reader,
            shared.Store,
            _watch,
            shared.Accounts,
            Wake,
            options.Report,
            shared.Metrics,
            shared.Clock,
            shared.Chance,
            Log<ReportStage>()
        );
        _webhooks = shared.Webhooks(options.Report);
        var retain = new RetainStage(
            shared.Retention,
            options.Retention.Rules(ContentRule),
            shared.Metrics,
            shared.Clock,
            Log<RetainStage>(),
            shared.KeepsHouse
        );
        TakeOver = new(shared, _reportStage, _watch, destinations, _schedule, Wake);
        shared.Leases.Changed += _webhooks.Refresh;
        shared.Shares.Add("ingest_workers", ingest.ShareOf);
        shared.Shares.Add("loads", loads);
        shared.Shares.Add("body_bytes", bodies.Bytes);
        _schedule.ShowIn(shared.Shares);
        fetcher.ShowIn(shared.Shares);
        uploads?.ShowIn(shared.Shares);
        Accounts.ShowIn(shared.Shares);
        _webhooks.ShowIn(shared.Shares);

        _run = new(_channels, shared.Health, options.Drain, shared.Clock)
        {
            Ingest = ingest,
            Persist = persist,
            Schedule = _schedule,
            Resolve = resolve,
            Fetches = fetcher,
            Uploads = uploads,
            Send = send,
            Report = _reportStage,
            Webhooks = _webhooks,
            Retain = retain,
            Secrets = new(shared.Accounts, shared.SecretWarnings, shared.Clock, Log<SecretWatch>()),
            Destinations = new(destinations, shared.Destinations, shared.Accounts, Wake, shared.Clock, Log<DestinationWatch>()),
            Links = shared.Links,
            Progress = new(_channels, Wake, shared.Health),
        };
    }

    public ChannelWriter<Submission> Submissions => _channels.Submissions.Writer;

    public Wake Wake { get; }

    public AccountControl Accounts { get; }

    /// <summary>Nothing new is chosen until <see cref="Activate"/>; what is on its way goes on.</summary>
    public void Suspend() => _schedule.Suspend();

    public void Activate() => _schedule.Activate();

    public bool IsSuspended => _schedule.IsSuspended;

    /// <summary>Looks at everything at once, and tries accounts that back off; limits hold.</summary>
    public void RunNow()
    {
        Accounts.ProbeNow(null);
        _schedule.RunNow();
    }

    /// <summary>Ends back-off and quiet of a tenant's webhooks, or with null of everybody's.</summary>
    public void ReportNow(string? tenant) => _webhooks.RunNow(tenant);

    public void ExpiryHint(long at) => _schedule.ExpiryHint(at);

    /// <summary>Why a lane's mail waits, or that it does not. From any thread.</summary>
    public LaneStatus Status(LaneKey lane) => _schedule.Status(lane);

    /// <summary>Everything that holds a lane's mail, in the order in which mail meets it. From any thread.</summary>
    public IReadOnlyList<LaneGate> Gates(LaneKey lane) => _schedule.Gates(lane);

    /// <summary>Whether the lane's mail waits for a reason, or did within the last minute, and so is not overdue.</summary>
    public bool IsExcused(LaneKey lane) => _schedule.IsExcused(lane);

    /// <summary>A tenant is gone: so is what was fetched for it.</summary>
    public void ForgetContent(string tenant) => _cache.Forget(tenant);

    /// <summary>What the message of this number waits for though its turn had come, or null. From any thread.</summary>
    public string? SetAsideFor(long number) => _aside.Why(number);

    /// <summary>How many of the lane's mails, due before that time (Unix ms), wait for what they carry. From any thread.</summary>
    public long SetAside(LaneKey lane, long before) => _aside.Count(lane, before);

    public void RefreshWebhooks() => _webhooks.Refresh();

    /// <summary>Brings the gauges up to date that are read at a scrape: channels and report lag.</summary>
    public void Measure()
    {
        _webhooks.Measure();
        _accountMetrics.Measure(account => Accounts.CircuitOf(account) is not null, Accounts.AdaptedOf);
        _accountMetrics.Measure(Accounts.Circuits(), Accounts.SlowedDestinations);
        _shared.Metrics.Suspended.Set(IsSuspended ? 1 : 0);
        _channels.Measure(_shared.Metrics);
        foreach (var (name, times) in _shared.Shares.Refused)
            _shared.Metrics.SharesRefused.WithLabels(name).IncTo(times);
    }

    /// <summary>Ends when the pipeline has run dry; faults when a stage crashed, and then the process must end.</summary>
    public Task Completion => _run.Completion;

    /// <summary>The stages that stand still though they have something to do; see <see cref="StageProgress"/>.</summary>
    public IReadOnlyList<string> Stuck() => _run.Progress.Stuck();

    /// <summary>How lanes come from other nodes.</summary>
    public LaneTakeOver TakeOver { get; }

    /// <summary>Recovers what a crash left open, then opens the channels.</summary>
    public async Task StartAsync(bool suspended)
    {
        _cache.Open();
        var recovery = await _shared.Store.RecoverAsync(_shared.Clock.GetUtcNow().ToUnixTimeMilliseconds());
        await _reportStage.SettleOpenAsync(recovery);
        _watch.Restore(await _shared.Circuits.AllAsync());
        _run.Start(recovery, suspended);
    }

    /// <summary>Takes nothing new, lets attempts under way end within the grace period, and runs dry.</summary>
    public Task StopAsync() => _run.StopAsync();

    /// <summary>Lets go now: what is unanswered after the final dot is recorded as ambiguous.</summary>
    public void Abort() => _run.Abort();

    public async ValueTask DisposeAsync()
    {
        _shared.Leases.Changed -= _webhooks.Refresh;
        _accountMetrics.Dispose();
        await _watch.DisposeAsync();
        await _pool.DisposeAsync();
        _sources.Dispose();
        _cache.Dispose();
        _run.Dispose();
    }
}
