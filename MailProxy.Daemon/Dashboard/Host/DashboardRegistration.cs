using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>Puts the page before the HTTP API.</summary>
internal static class DashboardRegistration
{
    /// <param name="publicUrl">Where the daemon is reached from outside; null: not known.</param>
    public static void AddDashboard(this IServiceCollection services, DashboardOptions options, IPageKeys keys, string? publicUrl) =>
        services.AddSingleton(provider =>
        {
            var logs = provider.GetRequiredService<ILoggerFactory>();
            var parts = new DashboardParts(
                keys,
                provider,
                publicUrl is null ? null : new Uri(publicUrl),
                provider.GetRequiredService<TimeProvider>(),
                logs
            );
            var lifetime = provider.GetRequiredService<IHostApplicationLifetime>();
            return new DashboardGate(options, parts, lifetime, logs.CreateLogger<DashboardGate>());
        });

    public static void UseDashboard(this WebApplication app) => app.Use(app.Services.GetRequiredService<DashboardGate>().Before);
}
