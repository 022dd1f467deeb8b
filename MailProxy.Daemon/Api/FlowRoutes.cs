using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Daemon.Api;

/// <summary>What flowed in a step.</summary>
/// <param name="At">When the step began.</param>
/// <param name="Accepted">Messages committed to the store.</param>
/// <param name="Sent">Messages all of whose recipients were accepted.</param>
/// <param name="Deferred">Attempts after which a message waits for its retry.</param>
/// <param name="Failed">Messages that ended without any recipient accepted.</param>
/// <param name="P50Seconds">Median time from acceptance (or send_at) to sent; absent: none was sent.</param>
/// <param name="P99Seconds">The same for the slowest of a hundred.</param>
public sealed record FlowStepAnswer(DateTime At, int Accepted, int Sent, int Deferred, int Failed, double? P50Seconds, double? P99Seconds);

/// <summary>What flowed in the last hour.</summary>
/// <param name="StepSeconds">The length of a step, in seconds.</param>
/// <param name="Steps">The oldest first; the last one is under way. Empty steps are left out.</param>
public sealed record FlowAnswer(int StepSeconds, IReadOnlyList<FlowStepAnswer> Steps);

/// <summary>Who asks, as the daemon sees it.</summary>
/// <param name="Actor">As the audit log names it: <c>admin</c>, or <c>key/&lt;tenant&gt;/&lt;id&gt;</c>.</param>
/// <param name="Tenant">The tenant that is acted on.</param>
/// <param name="Scopes"><c>admin</c>, or some of <c>send</c>, <c>read</c>, <c>manage</c>.</param>
/// <param name="ExpiresAt">When the key ends; absent: not by itself.</param>
public sealed record SelfAnswer(string Actor, string Tenant, IReadOnlyList<string> Scopes, DateTime? ExpiresAt);

/// <summary><c>GET /v1/self</c> and <c>GET /v1/status/flow</c>.</summary>
internal sealed class FlowRoutes(PipelineMetrics metrics, TimeProvider clock)
{
    public void Map(RouteGroupBuilder v1)
    {
        v1.MapGet("/self", Self)
            .WithName("getSelf")
            .WithSummary("Whose key this is, and what it may do")
            .WithTags("Status")
            .Needs(KeyScopes.Read)
            .Produces<SelfAnswer>();
        v1.MapGet("/status/flow", Flow)
            .WithName("getFlow")
            .WithSummary("What was accepted, sent, deferred and failed in the last hour, and how long it took")
            .WithTags("Status")
            .AdminOnly()
            .Produces<FlowAnswer>();
    }

    private static IResult Self(HttpContext http)
    {
        var caller = Caller.Of(http);
        return TypedResults.Json(
            new(caller.Actor, caller.Tenant, caller.Key?.Scopes.Names() ?? ["admin"], Times.Utc(caller.Key?.ExpiresAt)),
            ApiJson.Plain.SelfAnswer
        );
    }

    private IResult Flow()
    {
        var steps = metrics.Flow.Read(clock.GetUtcNow().ToUnixTimeMilliseconds());
        return TypedResults.Json(
            new(
                FlowHistory.StepSeconds,
                [
                    .. steps
                        .Where(static s => s is not { Accepted: 0, Sent: 0, Deferred: 0, Failed: 0 })
                        .Select(static s => new FlowStepAnswer(
                            Times.Utc(s.At),
                            s.Accepted,
                            s.Sent,
                            s.Deferred,
                            s.Failed,
                            Rounded(s.Median),
                            Rounded(s.Slowest)
                        )),
                ]
            ),
            ApiJson.Plain.FlowAnswer
        );
    }

    private static double? Rounded(double? seconds) => seconds is { } known ? Math.Round(known, 4) : null;
}
