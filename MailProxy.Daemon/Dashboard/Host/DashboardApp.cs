using MailProxy.Daemon.Api;
using MailProxy.Daemon.Dashboard.Pages;
using MailProxy.Pipeline.Sharing;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Components.Server;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.StaticWebAssets;
using Radzen;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>The page as an application of its own inside the daemon: its services, its steps, its routes.</summary>
internal sealed class DashboardApp : IAsyncDisposable
{
    public const string SessionCookie = "mailproxy_session";
    private const string FormCookie = "mailproxy_form";
    private const string Assets = "mailproxy.staticwebassets";

    private readonly WebApplication _app;
    private readonly NestedServer _server;
    private readonly DashboardOptions _options;
    private readonly bool _isSecure;
    private readonly RemoteAddress _remote;

    private DashboardApp(WebApplication app, NestedServer server, DashboardOptions options, DashboardParts parts)
    {
        (_app, _server, _options) = (app, server, options);
        _isSecure = parts.PublicUrl?.Scheme == Uri.UriSchemeHttps;
        _remote = parts.Services.GetRequiredService<RemoteAddress>();
    }

    /// <param name="api">The daemon's HTTP API.</param>
    public static async Task<DashboardApp> StartAsync(DashboardOptions options, DashboardParts parts, RequestDelegate api)
    {
        var server = new NestedServer();
        var builder = WebApplication.CreateEmptyBuilder(
            new()
            {
                ContentRootPath = AppContext.BaseDirectory,
                WebRootPath = "wwwroot",
                ApplicationName = "mailproxy",
            }
        );
        AddAssets(builder);
        AddServices(builder.Services, options, parts);
        builder.Services.AddSingleton<IServer>(server);
        builder.Services.AddSingleton(_ => new HttpClient(new LocalApi(api, parts.Services)) { BaseAddress = new("http://localhost/") });
        var app = builder.Build();
        Map(app);
        await app.StartAsync();
        return new(app, server, options, parts);
    }

    public Task RunAsync(HttpContext outer, PathString path)
    {
        // Behind a proxy the browser is elsewhere and sees https; what is throttled, allowed and set as a cookie must say so too.
        outer.Connection.RemoteIpAddress = _remote.Of(outer);
        if (_isSecure)
            outer.Request.Scheme = Uri.UriSchemeHttps;
        return _server.RunAsync(outer, _options.PathBase, path);
    }

    /// <summary>The daemon stops: open views are closed, so that nobody waits for them.</summary>
    public void BeginStop() => _app.Lifetime.StopApplication();

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    // As published they lie beside the program; as built the SDK lists where they are.
    private static void AddAssets(WebApplicationBuilder builder)
    {
        var built = Path.Combine(AppContext.BaseDirectory, Assets + ".runtime.json");
        if (!File.Exists(built))
            return;
        builder.Configuration["staticWebAssets"] = built;
        StaticWebAssetsLoader.UseStaticWebAssets(builder.Environment, builder.Configuration);
    }

    private static void AddServices(IServiceCollection services, DashboardOptions options, DashboardParts parts)
    {
        services.AddSingleton<IHostLifetime, NoLifetime>();
        services.AddSingleton<ILoggerFactory>(new LoggerFactory([new PassedOnLog(parts.Logs)], new StaticLogFilter()));
        services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        services.AddSingleton(parts.Clock);
        services.AddSingleton(options);
        services.AddRouting();
        services.AddDataProtection().SetApplicationName("mailproxy");
        services.Configure<KeyManagementOptions>(keys => keys.XmlRepository = new StoredPageKeys(parts.Keys));
        services.AddAntiforgery(forms =>
        {
            forms.Cookie.Name = FormCookie;
            forms.Cookie.SameSite = SameSiteMode.Strict;
            forms.SuppressXFrameOptionsHeader = true; // the Content-Security-Policy says it
        });
        services
            .AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
            .AddCookie(cookies =>
            {
                cookies.Cookie.Name = SessionCookie;
                cookies.Cookie.SameSite = SameSiteMode.Strict;
                cookies.Cookie.HttpOnly = true;
                cookies.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
                cookies.ExpireTimeSpan = options.SignInFor;
                cookies.SlidingExpiration = true;
                cookies.LoginPath = "/signin";
                cookies.TimeProvider = parts.Clock;
            });
        services.AddAuthorization();
        services.AddCascadingAuthenticationState();
        services.AddRazorComponents().AddInteractiveServerComponents(Bound);
        services.AddRadzenComponents();
        services.AddScoped<Session>();
        services.AddScoped<PageApi>();
        services.AddSingleton<Flash>();
        services.AddSingleton<SignInLimit>();
        services.AddSingleton<ImportResults>();
        services.AddSingleton(new PageCapacity(options, parts.Services.GetRequiredService<TenantShare>(), parts.Clock));
        services.AddScoped<MailSource>();
    }

    // A browser that went away may come back to its view for a minute; it holds memory until then.
    private static void Bound(CircuitOptions circuits)
    {
        circuits.DisconnectedCircuitMaxRetained = 16;
        circuits.DisconnectedCircuitRetentionPeriod = TimeSpan.FromMinutes(1);
        circuits.MaxBufferedUnacknowledgedRenderBatches = 8;
    }

    private static void Map(WebApplication app)
    {
        app.UseMiddleware<PageHeaders>();
        app.UseRouting();
        app.UseAuthentication();
        app.UseMiddleware<SignedInOnly>();
        app.UseAuthorization();
        app.UseAntiforgery();
        app.MapStaticAssets(Path.Combine(AppContext.BaseDirectory, Assets + ".endpoints.json")).WithMetadata(OpenToAllAttribute.Mark);
        app.MapPageRoutes();
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(static server => server.ContentSecurityFrameAncestorsPolicy = null);
    }

    // The daemon's own lifetime begins and ends it.
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
