using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Nodes;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace MailProxy.Daemon.Api;

/// <summary>Puts the HTTP edge together.</summary>
public static class ApiRegistration
{
    /// <summary>Connections where nobody says how many.</summary>
    private const int UsualConnections = 512;

    /// <summary>
    /// Bytes of each connection that the server reads ahead, charged to nobody: enough for every head, and for ordinary mail.
    /// </summary>
    private const int ServerBuffer = 64 << 10;

    private static readonly TimeSpan AnswerGrace = TimeSpan.FromSeconds(10);

    /// <summary>Adds what the edge is made of. From the wiring it takes: <c>ChannelWriter&lt;Submission&gt;</c>, <see
    /// cref="IngestOptions"/>, <see cref="AdminKey"/>, <see cref="FreeDisk"/>, <see cref="StorageLook"/>,
    /// <c>IOptions&lt;ApiOptions&gt;</c>, <see cref="DispatcherControl"/>, <see cref="AccountTest"/>, <see cref="WriteRaw"/>, <see
    /// cref="WebhooksChanged"/>, <see cref="WebhookTrial"/>, <see cref="OpenDownload"/>, <see cref="SandboxView"/>, the stores,
    /// <c>UnsubscribeLinks</c>, <c>CurrentAccounts</c>, <c>AccountsInForce</c>, <c>CurrentTenants</c>, <c>CurrentKeys</c>,
    /// <c>CurrentVolumes</c>, a <c>ConfigurationWriter</c> of each noun,
    /// <c>IVolumeProbe</c>, <c>Wake</c>, <c>TenantOptions</c>, <c>TenantShare</c>,
    /// <see cref="IsProtectedRoot"/>,
    /// <c>PipelineHealth</c>, <c>PipelineMetrics</c>, <c>CollectorRegistry</c>, <see cref="TimeProvider"/>.</summary>
    public static IServiceCollection AddMailProxyApi(this IServiceCollection services)
    {
        services.AddOptions();
        services.TryAddSingleton(TenantShare.Unlimited);
        services.TryAddSingleton(StoreGenerations.New());
        services.TryAddSingleton<TenantShares>();
        services.TryAddSingleton<INodes>(new SoleNodes());
        services.AddSingleton<LargeGarbage>();
        services.AddSingleton<RequestMemory>();
        services.AddSingleton<RequestSpool>();
        services.AddSingleton<AnswerMemory>();
        services.AddSingleton<RenderMemory>();
        services.AddSingleton<RawMessages>();
        services.AddSingleton<ReadTurns>();
        services.AddSingleton<LongPolls>();
        services.AddSingleton<SubmissionPlaces>();
        services.AddSingleton<SubmissionGateway>();
        services.AddSingleton<RemoteAddress>();
        services.AddSingleton<RefusedKeys>();
        services.TryAddSingleton(RequestLogOf);
        services.AddSingleton<KeyUses>();
        services.AddSingleton<KeyLife>();
        services.AddSingleton<IdempotencyKeys>();
        services.AddSingleton<NdjsonSubmission>();
        services.AddSingleton<ConfigurationBody>();
        services.TryAddSingleton<ConfigurationTurn>();
        services.AddSingleton<Quotas>();
        services.AddSingleton<MessageAnswers>();
        services.AddSingleton<MessageChanges>();
        services.AddSingleton<SuppressionImport>();
        services.AddSingleton<Explanations>();
        services.AddSingleton<WebhookAnswers>();
        services.AddSingleton<QueueCounter>();
        services.AddSingleton<MessageFilters>();
        services.AddSingleton<MessageTimes>();
        services.AddSingleton<RerouteTargets>();
        services.AddSingleton<Readiness>();
        services.AddSingleton<OperatorLog>();
        services.AddSingleton<HealthRoutes>();

        services.TryAddSingleton(new ConnectionLimit(UsualConnections));
        services.AddSingleton<TenantRequests>();
        services.AddOptions<KestrelServerOptions>().Configure<ConnectionLimit, IngestOptions, IOptions<ApiOptions>>(Configure);
        services.AddMailProxyDocument();
        return services;
    }

    private static void Configure(
        KestrelServerOptions kestrel,
        ConnectionLimit connections,
        IngestOptions ingest,
        IOptions<ApiOptions> options
    )
    {
        var limits = kestrel.Limits;
        kestrel.AddServerHeader = false;
        kestrel.ConfigureEndpointDefaults(listen => listen.Use(next => connection => connections.RunAsync(connection, next)));

        // Bodies are measured, paced and refused by the edge itself, with a problem that names the limit; the server's own watch stands
        // behind it.
        limits.MaxRequestBodySize = null;
        limits.MaxRequestBufferSize = ServerBuffer;
        limits.MinRequestBodyDataRate = ingest.MinBodyBytesPerSecond > 0 ? new(ingest.MinBodyBytesPerSecond, ingest.BodyGrace) : null;
        limits.MinResponseDataRate =
            options.Value.MinAnswerBytesPerSecond > 0 ? new(options.Value.MinAnswerBytesPerSecond, AnswerGrace) : null;

        // Somebody who opens a connection and is slow to ask, or asks no more.
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        limits.KeepAliveTimeout = TimeSpan.FromSeconds(120);
    }

    /// <summary>Adds the edge's layers and routes.</summary>
    public static void MapMailProxyApi(this WebApplication app)
    {
        var connections = app.Services.GetRequiredService<ConnectionLimit>();
        app.Use(next => http => connections.RunAsync(http, next));
        app.UseMiddleware<RequestNoting>();
        app.UseMiddleware<RequestEdge>();
        app.UseRouting();
        app.UseMiddleware<KeyCheck>();
        if (app.Services.GetRequiredService<INodes>().IsShared)
            app.UseMiddleware<ConfigurationSpread>();

        var v1 = app.MapGroup("/v1");
        Make<SubmitRoutes>(app).Map(v1);
        Make<MessageRoutes>(app).Map(v1);
        Make<ActionRoutes>(app).Map(v1);
        Make<RerouteRoutes>(app).Map(v1);
        Make<ExplainRoutes>(app).Map(v1);
        Make<EventFeedRoutes>(app).Map(v1);
        Make<TenantRoutes>(app).Map(v1);
        Make<KeyRoutes>(app).Map(v1);
        Make<AuditRoutes>(app).Map(v1);
        Make<BatchRoutes>(app).Map(v1);
        Make<AccountRoutes>(app).Map(v1);
        Make<DkimRoutes>(app).Map(v1);
        Make<PoolRoutes>(app).Map(v1);
        Make<SuppressionRoutes>(app).Map(v1);
        Make<WebhookRoutes>(app).Map(v1);
        Make<VolumeRoutes>(app).Map(v1);
        Make<RecipientRoutes>(app).Map(v1);
        Make<DispatcherRoutes>(app).Map(v1);
        Make<StatusRoutes>(app).Map(v1);
        Make<NodeRoutes>(app).Map(v1);
        Make<FlowRoutes>(app).Map(v1);
        Make<RequestRoutes>(app).Map(v1);
        Make<SandboxRoutes>(app).Map(v1);
        app.Services.GetRequiredService<HealthRoutes>().Map(app);
        Make<DownloadRoutes>(app).Map(app);
        Make<UnsubscribeRoutes>(app).Map(app);
        Make<DocsRoutes>(app).Map(app);
        app.MapOpenApi("/openapi/{documentName}.json").WithMetadata(PublicRoute.Mark);
        app.MapOpenApi("/openapi/{documentName}.json")
            .WithMetadata(PublicRoute.Mark)
            .Add(static endpoint =>
            {
                foreach (var get in endpoint.Metadata.OfType<HttpMethodMetadata>().ToArray())
                    endpoint.Metadata.Remove(get);
                endpoint.Metadata.Add(new HttpMethodMetadata([HttpMethods.Head]));
            });
    }

    private static T Make<T>(WebApplication app) => ActivatorUtilities.CreateInstance<T>(app.Services);

    private static IRequestLog RequestLogOf(IServiceProvider provider)
    {
        var clock = provider.GetRequiredService<TimeProvider>();
        if (provider.GetService<IRequestStore>() is not { } store)
            return new RequestLog(clock);
        var logger = provider.GetRequiredService<ILogger<SharedRequestLog>>();
        var shared = new SharedRequestLog(store, provider.GetRequiredService<INodes>(), clock, logger);
        shared.Begin();
        return shared;
    }
}
