using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Prometheus;

namespace MailProxy.Daemon.Api;

/// <summary>For machines that watch: liveness, readiness, metrics. No key.</summary>
internal sealed class HealthRoutes(
    Readiness readiness,
    PipelineMetrics metrics,
    CollectorRegistry registry,
    QueueCounter counter,
    CurrentAccounts accounts,
    TimeProvider clock
)
{
    private static readonly MessageState[] Waiting =
    [
        MessageState.Queued,
        MessageState.Scheduled,
        MessageState.Held,
        MessageState.Sending,
        MessageState.Deferred,
    ];

    private readonly SemaphoreSlim _scrape = new(1);

    public void Map(IEndpointRouteBuilder app)
    {
        app.MapGet("/health/live", Live)
            .Public()
            .WithName("live")
            .WithSummary("The process answers")
            .WithTags("Health")
            .Produces<HealthAnswer>();
        app.MapGet("/health/ready", Ready)
            .Public()
            .WithName("ready")
            .WithSummary("Messages are taken; 503 says why not")
            .WithTags("Health")
            .Produces<HealthAnswer>();
        app.MapMethods("/health/live", [HttpMethods.Head], Live).Public().ExcludeFromDescription();
        app.MapMethods("/health/ready", [HttpMethods.Head], Ready).Public().ExcludeFromDescription();
        app.MapMethods("/metrics", [HttpMethods.Head], (Delegate)Scrape).Public().ExcludeFromDescription();
        app.MapMethods("/", [HttpMethods.Get, HttpMethods.Head], Root).Public().ExcludeFromDescription();
        app.MapGet("/metrics", (Delegate)Scrape)
            .Public()
            .WithName("metrics")
            .WithSummary("Metrics in the Prometheus text format")
            .WithTags("Health")
            .Produces<string>(StatusCodes.Status200OK, "text/plain");
    }

    /// <summary>The metrics at another address too.</summary>
    public void MapMetrics(IEndpointRouteBuilder app, string path) =>
        app.MapMethods(path, [HttpMethods.Get], (RequestDelegate)Scrape).WithMetadata(PublicRoute.Mark).ExcludeFromDescription();

    private static IResult Live() => TypedResults.Json(new("ok"), ApiJson.Plain.HealthAnswer);

    // Somebody who opens the address in a browser to see whether it is the right one.
    private static IResult Root() =>
        TypedResults.Json(
            new(
                "MailProxy",
                "/openapi/v1.json",
                "/health/ready",
                "/metrics",
                "Routes below /v1 want the header Authorization: Bearer <key>; the log says where the admin key is."
            ),
            ApiJson.Plain.RootAnswer
        );

    // Whoever can reach the port may ask, so paths and numbers of this machine are for /v1/status and the log.
    private IResult Ready()
    {
        NotReady[] reasons = [.. readiness.Reasons().Select(r => new NotReady(r.Code, r.Public ?? r.Detail))];
        return reasons.Length == 0
            ? TypedResults.Json(new("ready", Warnings()), ApiJson.Plain.HealthAnswer)
            : new ProblemAnswer(new(503, "not_ready", string.Join(' ', reasons.Select(r => r.Detail))), 5) { Reasons = reasons };
    }

    // Whoever can reach the port may ask, so no names.
    private WarningAnswer[]? Warnings()
    {
        var near = SecretEnds.Near(accounts.Directory, clock.GetUtcNow().ToUnixTimeMilliseconds()).Count();
        return near == 0
            ? null
            :
            [
                new(
                    "secret_expiring",
                    $"The secret or password of {near} account(s) ends within 30 days, or has ended: secret_expires_at in GET /v1/status."
                ),
            ];
    }

    private async Task Scrape(HttpContext http)
    {
        var page = await PageAsync(http.RequestAborted);
        http.Response.ContentType = PrometheusConstants.TextContentTypeWithVersionAndEncoding;
        http.Response.ContentLength = page.Length;
        await AnswerMemory.SendAsync(http, page);
    }

    // One at a time: counting walks an index, and the page must show one count. Whoever reads it slowly keeps nobody waiting.
    private async Task<ReadOnlyMemory<byte>> PageAsync(CancellationToken gone)
    {
        await _scrape.WaitAsync(gone);
        try
        {
            await RefreshAsync();
            using var page = new MemoryStream();
            await registry.CollectAndExportAsTextAsync(page, gone);
            return page.GetBuffer().AsMemory(0, (int)page.Length);
        }
        finally
        {
            _scrape.Release();
        }
    }

    private async Task RefreshAsync()
    {
        QueueCounts counts;
        long now;
        try
        {
            (counts, now) = await counter.TakeAsync();
        }
        catch (StoreUnavailableException)
        {
            return; // what waits is told as it was last known; everything else says how it is now
        }

        foreach (var state in Waiting)
        {
            foreach (var priority in Enum.GetValues<Priority>())
                metrics.QueueDepth.WithLabels(state.Name(), priority.Name()).Set(0);
        }

        foreach (var (state, priority, count) in counts.Depth)
            metrics.QueueDepth.WithLabels(state.Name(), priority.Name()).Set(count);
        metrics.OldestDue.Set(counts.OldestHeldUp is { } due ? Math.Max(0, now - due) / 1000.0 : 0);
        metrics.Overdue.Set(counts.Overdue);
    }
}
