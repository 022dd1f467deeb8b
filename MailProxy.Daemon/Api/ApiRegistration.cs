using MailProxy.Pipeline;
using MailProxy.Pipeline.Ingest;
using MailProxy.Pipeline.Sharing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MailProxy.Daemon.Api;

/// <summary>Puts the HTTP edge together.</summary>
public static class ApiRegistration
{
    /// <summary>Adds what the edge is made of. From the wiring it takes: <c>ChannelWriter&lt;Submission&gt;</c>, <see cref="IngestOptions"/>, <see cref="AdminKey"/>, <see cref="FreeDisk"/>,
    /// <c>IOptions&lt;ApiOptions&gt;</c>, <see cref="DispatcherControl"/>, <see cref="AccountTest"/>, <see cref="WriteRaw"/>, <see cref="WebhooksChanged"/>, <see cref="WebhookTrial"/>, <see cref="OpenDownload"/>, <see cref="SandboxShelf"/>, the stores, <c>CurrentAccounts</c>, <c>AccountChanges</c>, <c>CurrentTenants</c>, <c>TenantChanges</c>, <c>CurrentKeys</c>, <c>KeyChanges</c>, <c>CurrentVolumes</c>, <c>VolumeChanges</c>, <c>IVolumeProbe</c>, <c>Wake</c>, <c>TenantOptions</c>, <c>TenantShare</c>, <c>ProtectedFiles</c>,
    /// <c>PipelineHealth</c>, <c>PipelineMetrics</c>, <c>CollectorRegistry</c>, <see cref="TimeProvider"/>.</summary>
    public static IServiceCollection AddMailProxyApi(this IServiceCollection services)
    {
        services.AddOptions();
        services.TryAddSingleton(TenantShare.Unlimited);
        services.TryAddSingleton<TenantShares>();
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<SubmissionDoor>(
            provider, new ByteBudget(provider.GetRequiredService<IngestOptions>().DoorBytes)));
        services.AddSingleton<RemoteAddress>();
        services.AddSingleton<RefusedKeys>();
        services.AddSingleton<KeyUses>();
        services.AddSingleton<KeyLife>();
        services.AddSingleton<IdempotencyKeys>();
        services.AddSingleton<NdjsonSubmission>();
        services.AddSingleton<ConfigurationBody>();
        services.AddSingleton<ConfigurationTurn>();
        services.AddSingleton<Quotas>();
        services.AddSingleton<MessageAnswers>();
        services.AddSingleton<AccountAnswers>();
        services.AddSingleton<WebhookAnswers>();
        services.AddSingleton<QueueCensus>();

        // Bodies are measured and refused by the edge itself, with a problem that names the limit.
        services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.AddServerHeader = false;
        });
        services.AddMailProxyDocument();
        return services;
    }

    /// <summary>Adds the edge's layers and routes.</summary>
    public static void MapMailProxyApi(this WebApplication app)
    {
        app.UseMiddleware<RequestEdge>();
        app.UseRouting();
        app.UseMiddleware<KeyCheck>();

        var v1 = app.MapGroup("/v1");
        Make<SubmitRoutes>(app).Map(v1);
        Make<MessageRoutes>(app).Map(v1);
        Make<ActionRoutes>(app).Map(v1);
        Make<EventFeedRoutes>(app).Map(v1);
        Make<TenantRoutes>(app).Map(v1);
        Make<KeyRoutes>(app).Map(v1);
        Make<AuditRoutes>(app).Map(v1);
        Make<BatchRoutes>(app).Map(v1);
        Make<AccountRoutes>(app).Map(v1);
        Make<WebhookRoutes>(app).Map(v1);
        Make<WebhookActionRoutes>(app).Map(v1);
        Make<VolumeRoutes>(app).Map(v1);
        Make<RecipientRoutes>(app).Map(v1);
        Make<DispatcherRoutes>(app).Map(v1);
        Make<StatusRoutes>(app).Map(v1);
        Make<SandboxRoutes>(app).Map(v1);
        Make<HealthRoutes>(app).Map(app);
        Make<DownloadRoutes>(app).Map(app);
        app.MapOpenApi("/openapi/{documentName}.json").WithMetadata(PublicRoute.Mark);
    }

    private static T Make<T>(WebApplication app) => ActivatorUtilities.CreateInstance<T>(app.Services);
}
