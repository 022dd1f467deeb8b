using MailProxy.Daemon.Api;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>
/// Stands before the HTTP API: requests below <c>/ui</c> are the page's, all others pass. The page is built when somebody first asks for
/// it; until then it costs nothing.
/// </summary>
internal sealed partial class DashboardGate(
    DashboardOptions options,
    DashboardParts parts,
    IHostApplicationLifetime lifetime,
    ILogger<DashboardGate> logger
) : IAsyncDisposable
{
    /// <summary>Where the page stands on the daemon's own port.</summary>
    public const string Path = "/ui";

    private readonly SemaphoreSlim _building = new(1);
    private DashboardApp? _app;

    /// <summary>The step of the daemon's pipeline; what comes behind it is the API.</summary>
    public RequestDelegate Before(RequestDelegate api) =>
        http =>
            http.Request.Path.StartsWithSegments(Path, out var rest) ? RunAsync(http, rest, api)
            : WantsPage(http.Request) ? LeadAsync(http)
            : api(http);

    private async Task RunAsync(HttpContext http, PathString rest, RequestDelegate api)
    {
        DashboardApp app;
        try
        {
            app = _app ?? await BuildAsync(api, http.RequestAborted);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            Log.NotBuilt(logger, error);
            await ProblemAnswer
                .Of(500, "internal_error", "The page could not be built; the log says why. The HTTP API works.")
                .ExecuteAsync(http);
            return;
        }

        await app.RunAsync(http, rest);
    }

    private async Task<DashboardApp> BuildAsync(RequestDelegate api, CancellationToken gone)
    {
        await _building.WaitAsync(gone);
        try
        {
            if (_app is not null)
                return _app;
            var app = await DashboardApp.StartAsync(options, parts, api);
            lifetime.ApplicationStopping.Register(app.BeginStop);
            return _app = app;
        }
        finally
        {
            _building.Release();
        }
    }

    // A person who opens the address in a browser; programs get JSON.
    private static bool WantsPage(HttpRequest request) =>
        request.Path == "/"
        && HttpMethods.IsGet(request.Method)
        && request.GetTypedHeaders().Accept is { } types
        && types.Any(static type => type.MediaType == "text/html");

    private Task LeadAsync(HttpContext http)
    {
        http.Response.Redirect(options.PathBase + "/");
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
        _building.Dispose();
    }

    private static partial class Log
    {
        [LoggerMessage(930, LogLevel.Error, "The page could not be built.")]
        public static partial void NotBuilt(ILogger logger, Exception fault);
    }
}
