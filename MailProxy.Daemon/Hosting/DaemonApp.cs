using System.Runtime.CompilerServices;
using MailProxy.Daemon.Api;
using MailProxy.Daemon.Dashboard.Host;
using MailProxy.Daemon.Genro;
using MailProxy.Daemon.Operations;
using MailProxy.Daemon.Sandbox;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Send;
using MailProxy.Pipeline.Send.Tokens;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Options;
using Prometheus;
using Serilog.Extensions.Logging;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// Builds the daemon: opens the data directory, and creates sandbox, pipeline and HTTP API. Nothing runs before <c>StartAsync</c>.
/// </summary>
internal static class DaemonApp
{
    /// <summary>The minimum number of connections, however few files the process may have open.</summary>
    private const int LeastConnections = 16;

    // Seconds, so that committed submissions are answered even when attempts get no time at all.
    private const int ShortestGrace = 2;

    /// <param name="clock">The clock; null: the system's, with several nodes that of their database.</param>
    public static async Task<WebApplication> BuildAsync(DaemonSettings settings, TimeProvider? clock = null)
    {
        var time = clock ?? (settings.Storage.IsPostgres ? new NodeClock(TimeProvider.System) : TimeProvider.System);
        var (logger, log, levels) = LogSetup.Open(settings.Log, time);
        try
        {
            return await BuildAsync(settings, time, logger, log, levels);
        }
        catch
        {
            await logger.DisposeAsync(); // otherwise the application disposes it, after everything else
            throw;
        }
    }

    private static async Task<WebApplication> BuildAsync(
        DaemonSettings settings,
        TimeProvider clock,
        Serilog.Core.Logger logger,
        BackgroundSink log,
        LogLevels levels
    )
    {
        var passed = PassedSockets.Here();
        var builder = WebApplication.CreateEmptyBuilder(new() { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(_ => { });
        builder.Services.AddRoutingCore();

        // HTTP requests under way may take as long as attempts may; then their connections are closed. The drain runs beside it, on its
        // own clock.
        var grace = TimeSpan.FromSeconds(Math.Max(settings.Engine.Drain.GraceSeconds, ShortestGrace));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = grace);

        // One factory for the engine and for the host, which disposes it last.
        var logs = new SerilogLoggerFactory(logger, dispose: true);
        builder.Services.AddSingleton<ILoggerFactory>(_ => logs);
        builder.Services.AddSingleton(levels);
        builder.Services.AddSingleton<IHostLifetime, SignalsElsewhere>();
        var storage = await AddEngineAsync(builder.Services, settings, clock, logs, log);
        try
        {
            AddEdge(builder.Services, settings, storage, logs);

            // Behind the lock of the data directory: what is at the socket's path now is nobody's.
            var socket = LocalSocket.Prepare(settings, logs.CreateLogger(nameof(LocalSocket)));
            builder.Services.AddHttpListeners(passed);
            if (passed.Any)
                builder.WebHost.ConfigureKestrel(kestrel => passed.ListenOn(kestrel, socket, logs.CreateLogger<PassedSockets>()));
            else
                builder.WebHost.UseUrls([.. ListenAddressesAttribute.Bindable(settings.Urls), .. LocalSocket.Urls(socket)]);
            var app = builder.Build();
            if (settings.Dashboard.Enabled)
                app.UseDashboard();
            LocalSocket.CloseToOthers(socket, app.Lifetime);
            app.MapMailProxyApi();
            app.MapOperations();
            if (settings.Genro.Enabled)
                app.MapGenro();
            return app;
        }
        catch
        {
            storage.Dispose();
            throw;
        }
    }

    private static async Task<Stores> AddEngineAsync(
        IServiceCollection services,
        DaemonSettings settings,
        TimeProvider clock,
        ILoggerFactory logs,
        BackgroundSink log
    )
    {
        var registry = Metrics.NewCustomRegistry();
        var health = new PipelineHealth();
        var metrics = new PipelineMetrics(registry);
        metrics.Build.WithLabels(StatusRoutes.Version).Set(1);
        DotNetStats.Register(registry);
        var storage = await Stores.OpenAsync(settings, health, metrics, clock, logs);
        var configured = new ConfiguredResources(storage.Configuration, storage.Sending, logs);
        var (accounts, tenants) = (configured.Accounts, configured.Tenants);
        var policy = new NetworkPolicy(settings.Network);
        var dialer = new Dialer(policy, logger: logs.CreateLogger<Dialer>());
        var publicUrl = settings.Api.PublicUrl is { } url ? new Uri(url) : null;
        var unsubscribe = new UnsubscribeLinks(storage.Links.SigningKey, publicUrl, tenant => tenants.Directory.Find(tenant)?.Number);
        var links = new LargeFileService(storage.Links, configured.Volumes, dialer, publicUrl, clock, logs);
        var http = dialer.HttpClient();
        var secret = new ProtectedFiles(settings.Data);
        var share = new TenantShare(settings.Engine.Tenants.Share, () => tenants.Directory.All.Count > 1);
        var shares = new TenantShares();
        var heard = new EndpointAnswers();
        var tokens = new AccountTokens(
            http,
            storage.RefreshTokens,
            metrics,
            clock,
            Random.Shared.NextDouble,
            logs.CreateLogger<AccountTokens>(),
            share
        );
        if (storage.Nodes.IsShared)
            settings.Engine.Send.MarksAhead ??= SendOptions.MostMarksAhead;
        var pipeline = new MailPipeline(
            settings.Engine,
            new(
                storage.Messages,
                storage.Marks,
                storage.Log,
                storage.Retention,
                accounts,
                key => storage.Sending.NameOf(key) ?? "deleted",
                storage.Spool,
                http,
                dialer,
                health,
                metrics,
                clock,
                Random.Shared.NextDouble,
                logs
            )
            {
                Volumes = configured.Volumes,
                AttachmentEndpoint = tenant =>
                    tenants.Directory.Find(tenant)?.AttachmentEndpoint is { } endpoint ? (endpoint.Url, endpoint.Auth) : null,
                RetentionOf = tenant => tenants.Directory.Find(tenant)?.Retain,
                Tokens = tokens,
                SecretWarnings = storage.SecretWarnings,
                Destinations = storage.Destinations,
                Circuits = storage.Circuits,
                Leases = storage.Nodes,
                Lanes = storage.Lanes,
                CacheDirectory = Path.Combine(Path.GetFullPath(settings.Data), "cache"),
                Links = links,
                Unsubscribe = unsubscribe,
                Secret = secret,
                Network = policy,
                Profiles = settings.Profiles,
                Share = share,
                Shares = shares,
                WebhookAnswers = heard,
            }
        );

        services.AddSingleton(Seams.Trial(new(http, settings.Engine.Report, clock, heard)));
        services.AddSingleton(Seams.Heard(heard));
        registry.AddBeforeCollectCallback(pipeline.Measure);
        registry.AddBeforeCollectCallback(() => metrics.LogDropped.IncTo(log.Dropped));
        services.AddSingleton(registry);
        services.AddSingleton(health);
        services.AddSingleton(metrics);
        services.AddSingleton(clock);
        storage.AddTo(services);
        services.AddSingleton(settings);
        services.AddSingleton<NodeLink>();
        configured.AddTo(services);
        services.AddSingleton(dialer);
        services.AddSingleton(tokens);
        services.AddSingleton(links);
        services.AddSingleton(unsubscribe);
        services.AddSingleton(pipeline);
        services.AddSingleton(pipeline.Wake);
        services.AddSingleton(Seams.Forget(pipeline, storage.Nodes));
        services.AddSingleton(settings.Engine.Tenants);
        services.AddSingleton(share);
        services.AddSingleton(shares);
        services.AddSingleton(secret);
        services.AddSingleton<IsProtectedRoot>(secret.AreAllOf);
        services.AddSingleton(policy);
        services.AddSingleton(
            new SandboxServer(new SandboxMailbox(settings.Sandbox), settings.Sandbox, clock, logs.CreateLogger<SandboxServer>())
        );

        // Before the pipeline, so that it stops after it: what the drain tells is exported too.
        if (settings.Telemetry.Otlp.IsOn)
            AddSpanExport(services, settings.Telemetry, metrics, logs);

        // Registered first, so that it starts before Kestrel accepts requests, and stops after the last request was answered.
        services.AddSingleton<PipelineService>();
        services.AddHostedService(provider => provider.GetRequiredService<PipelineService>());
        services.AddSingleton<ISystemdNotifier>(new SystemdNotifier());
        services.AddHostedService(provider => new ServiceNotices(
            provider.GetRequiredService<ISystemdNotifier>(),
            WatchdogTime.Here(),
            storage.BeatAsync,
            pipeline.Stuck,
            provider.GetRequiredService<IHostApplicationLifetime>(),
            clock,
            provider.GetRequiredService<ILogger<ServiceNotices>>()
        ));
        return storage;
    }

    // By itself, since to compile it loads the libraries of OpenTelemetry.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AddSpanExport(
        IServiceCollection services,
        TelemetrySettings settings,
        PipelineMetrics metrics,
        ILoggerFactory logs
    ) => services.AddHostedService(_ => SpanExport.Open(settings, metrics, logs));

    private static void AddEdge(IServiceCollection services, DaemonSettings settings, Stores storage, ILoggerFactory logs)
    {
        var ingest = settings.Engine.Ingest;
        services.AddSingleton(Options.Create(settings.Api));
        services.AddSingleton(ingest);
        services.AddSingleton(AdminKey.Open(settings.AdminKey, Path.GetFullPath(settings.Data), logs.CreateLogger<AdminKey>()));
        services.AddSingleton(provider => provider.GetRequiredService<MailPipeline>().Submissions);
        services.AddSingleton<FreeDisk>(storage.Spool.FreeBytes);
        services.AddSingleton<BeginSpool>(storage.Spool.Begin);
        services.AddSingleton(new ConnectionLimit(settings.Api.MaxConnections ?? Math.Max(LeastConnections, OpenFiles.Limit() / 2)));
        services.AddSingleton(new ScratchFiles(Path.Combine(Path.GetFullPath(settings.Data), "spool")));
        services.AddSingleton<StorageLook>(new StorageFiles(settings, storage.Spool, logs.CreateLogger<StorageFiles>()).Look);
        services.AddHostedService<ReadinessWatch>();
        services.AddSingleton(provider => Seams.Dispatcher(provider.GetRequiredService<MailPipeline>(), storage.Nodes));
        services.AddSingleton<WebhooksChanged>(provider => provider.GetRequiredService<MailPipeline>().RefreshWebhooks);
        services.AddSingleton(provider =>
            Seams.Probe(
                new SmtpProbe(
                    provider.GetRequiredService<CurrentAccounts>(),
                    settings.Engine.Send,
                    provider.GetRequiredService<TimeProvider>(),
                    provider.GetRequiredService<NetworkPolicy>(),
                    settings.Profiles,
                    provider.GetRequiredService<AccountTokens>()
                ),
                provider.GetRequiredService<TimeProvider>()
            )
        );
        services.AddSingleton<IVolumeProbe>(provider => new VolumeProbe(
            provider.GetRequiredService<Dialer>(),
            settings.Engine.Resolve,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ProtectedFiles>()
        ));
        services.AddSingleton<OpenDownload>(provider => provider.GetRequiredService<LargeFileService>().Downloads.OpenAsync);
        services.AddSingleton(provider =>
            Seams.Raw(new MimeComposer(settings.Engine.Send, provider.GetRequiredService<UnsubscribeLinks>()))
        );
        services.AddSingleton(provider => Seams.Reroutes(provider.GetRequiredService<CurrentAccounts>()));
        services.AddSingleton(provider => Seams.Sandbox(provider.GetRequiredService<SandboxServer>().Mailbox));
        services.AddMailProxyApi();
        services.AddOperations(storage.Operations);
        services.AddHostedService(static provider => provider.GetRequiredService<OperationRunner>());
        if (settings.Dashboard.Enabled)
            services.AddDashboard(settings.Dashboard, storage.PageKeys, settings.Api.PublicUrl);
        if (settings.Genro.Enabled)
            services.AddGenro(settings.Genro, storage.Compat);
    }
}
