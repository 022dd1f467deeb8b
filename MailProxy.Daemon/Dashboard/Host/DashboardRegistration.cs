namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>Puts the page before the HTTP API.</summary>
internal static class DashboardRegistration
{
    /// <param name="data">The data directory; the keys that seal the page's cookies are kept there.</param>
    /// <param name="publicUrl">Where the daemon is reached from outside; null: not known.</param>
    public static void UseDashboard(this WebApplication app, DashboardOptions options, string data, string? publicUrl)
    {
        var parts = new DashboardParts(
            Path.Combine(Path.GetFullPath(data), "page-keys"),
            app.Services,
            publicUrl is null ? null : new Uri(publicUrl),
            app.Services.GetRequiredService<TimeProvider>(),
            app.Services.GetRequiredService<ILoggerFactory>()
        );
        var gate = new DashboardGate(options, parts, app.Lifetime, parts.Logs.CreateLogger<DashboardGate>());
        app.Use(gate.Before);
        app.Lifetime.ApplicationStopped.Register(() => gate.DisposeAsync().AsTask().GetAwaiter().GetResult());
    }
}
