using System.Reflection;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Daemon.Api;

/// <summary><c>GET /v1/status</c>: the whole installation on one page.</summary>
internal sealed class StatusRoutes(
    QueueCounter counter,
    CurrentAccounts accounts,
    DispatcherControl dispatcher,
    Readiness readiness,
    PipelineHealth health,
    IngestOptions limits,
    TimeProvider clock
)
{
    internal static readonly string Version =
        typeof(StatusRoutes).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
        ?? "unknown";

    private readonly DateTimeOffset _started = clock.GetUtcNow();
    private readonly long _startedAt = clock.GetTimestamp();

    public void Map(RouteGroupBuilder v1) =>
        v1.MapGet("/status", Get)
            .WithName("getStatus")
            .WithSummary("Version, queue, accounts and health on one page")
            .WithTags("Status")
            .AdminOnly()
            .Produces<StatusAnswer>();

    private async Task<IResult> Get()
    {
        var (counts, _) = await counter.TakeAsync();
        var queue = new QueueAnswer(
            counts.Depth.Sum(d => d.Count),
            [.. counts.Depth.Select(d => new QueueDepthAnswer(d.State.Name(), d.Priority.Name(), d.Count))],
            Times.Utc(counts.OldestDue),
            counts.Overdue
        );
        var lanes = accounts
            .Directory.All.OrderBy(a => a.Tenant, StringComparer.Ordinal)
            .ThenBy(a => a.Id, StringComparer.Ordinal)
            .Select(a => new AccountStatusAnswer(a.Tenant, a.Id, a.Paused, WaitReason.Of(a, dispatcher), Times.Utc(a.SecretExpiresAt)))
            .ToArray();
        var reasons = readiness.Reasons();
        var status = new StatusAnswer(
            Version,
            _started.UtcDateTime,
            Math.Round(clock.GetElapsedTime(_startedAt).TotalSeconds, 3),
            reasons.Count == 0,
            dispatcher.IsSuspended(),
            NotReadyAnswer.Of(reasons),
            new(health.StoreTrouble is null, health.StoreTrouble),
            new(readiness.FreeBytes, limits.MinFreeBytes),
            queue,
            lanes
        );
        return TypedResults.Json(status, ApiJson.Plain.StatusAnswer);
    }
}
