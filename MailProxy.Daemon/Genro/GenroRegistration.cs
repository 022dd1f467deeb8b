using System.Text;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MailProxy.Daemon.Genro;

/// <summary>Puts the edge of genro-mail-proxy together, behind this program's own.</summary>
internal static class GenroRegistration
{
    public static IServiceCollection AddGenro(this IServiceCollection services, GenroOptions options, ICompatStore store)
    {
        // A token may have any octets; read as UTF-8, some would be a malformed request instead of an unknown token.
        services.Configure<KestrelServerOptions>(static kestrel =>
            kestrel.RequestHeaderEncodingSelector = static name =>
                name.Equals("X-API-Token", StringComparison.OrdinalIgnoreCase) ? Encoding.Latin1 : null
        );
        return services
            .AddSingleton(options)
            .AddSingleton(store)
            .AddSingleton<GenroToken>()
            .AddSingleton<GenroForms>()
            .AddSingleton<GenroBodies>()
            .AddSingleton<GenroCommands>()
            .AddSingleton<GenroVolume>()
            .AddSingleton<GenroVolumes>()
            .AddSingleton<GenroVolumeRoutes>()
            .AddSingleton<GenroTenants>()
            .AddSingleton<GenroTenantRoutes>()
            .AddSingleton<GenroAccounts>()
            .AddSingleton<GenroBatches>()
            .AddSingleton<GenroSubmission>()
            .AddSingleton<RowWriter>()
            .AddSingleton<GenroMessages>()
            .AddSingleton<GenroInstance>()
            .AddSingleton<GenroCommandLog>()
            .AddSingleton<GenroMetrics>()
            .AddSingleton<GeneratedTenants>()
            .AddSingleton<GeneratedAccounts>()
            .AddSingleton<GeneratedMessages>()
            .AddSingleton<GeneratedStorages>()
            .AddSingleton<GeneratedInstance>()
            .AddSingleton<GeneratedLog>()
            .AddSingleton<GeneratedRoutes>()
            .AddSingleton<GenroDocument>()
            .AddHostedService<GenroStart>();
    }

    /// <summary>After this program's own layers and routes.</summary>
    public static void MapGenro(this WebApplication app)
    {
        app.UseMiddleware<GenroKeyCheck>();
        _ = app.Services.GetRequiredService<GenroMetrics>(); // counts from now on
        ActivatorUtilities.CreateInstance<GenroRoutes>(app.Services).Map(app);
        var document = app.Services.GetRequiredService<GenroDocument>();
        app.MapMethods("/openapi/genro.json", [HttpMethods.Get, HttpMethods.Head], (RequestDelegate)document.WriteAsync)
            .WithMetadata(PublicRoute.Mark)
            .ExcludeFromDescription();
        app.Services.GetRequiredService<HealthRoutes>().MapMetrics(app, "/mailproxy/v1/metrics");
    }
}
