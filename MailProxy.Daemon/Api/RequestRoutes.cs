using System.Text.Json.Serialization;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage.Nodes;

namespace MailProxy.Daemon.Api;

/// <summary>A request that was answered.</summary>
/// <param name="Ms">Milliseconds from its head to the end of its answer.</param>
/// <param name="Code">The problem's code; absent: it was answered as asked.</param>
/// <param name="Actor">As the audit log names it; <c>unknown</c>: no key that is good.</param>
/// <param name="Messages">Messages that it was about, five at most.</param>
/// <param name="Node">The node that answered it; absent: there is one only.</param>
public sealed record RequestAnswer(
    long Number,
    DateTime At,
    string Method,
    string Path,
    int Status,
    double Ms,
    string? Code,
    string Actor,
    string? Tenant,
    string RequestId,
    IReadOnlyList<string> Messages,
    string? Node
);

/// <summary>A page of requests, newest first.</summary>
public sealed record RequestList(
    IReadOnlyList<RequestAnswer> Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? NextCursor
);

/// <summary><c>GET /v1/requests</c>: the last requests of a day.</summary>
internal sealed class RequestRoutes(IRequestLog log)
{
    private const string List = "requests";

    public void Map(RouteGroupBuilder v1) =>
        v1.MapGet("/requests", (Delegate)Get)
            .WithName("listRequests")
            .WithSummary(
                "Requests of the last day, newest first, as many as there is memory for; a restart forgets them, unless nodes share a store"
            )
            .WithTags("Status")
            .Needs(KeyScopes.Read)
            .Query("tenant", "failed", "message", "limit", "cursor")
            .Produces<RequestList>();

    private async Task<IResult> Get(HttpContext http)
    {
        var query = new QueryReader(http);
        if (!query.Tenant(out var tenant))
            return ProblemAnswer.Of(404, "unknown_tenant", "There is no such tenant.");
        var failed = query.Value<bool>("failed", static text => bool.TryParse(text, out var yes) ? yes : null, "Must be true or false.");
        var message = query.Text("message");
        var limit = query.Limit();
        var before = query.CursorNumber(List);
        if (query.Refusal is { } refusal)
            return refusal;
        var found = await log.ReadAsync(tenant, failed == true, message, before, limit + 1);
        var next = found.Count > limit ? Cursor.Write(http, List, found[limit - 1].Number) : null;
        return TypedResults.Json(new([.. found.Take(limit).Select(Of)], next), ApiJson.Plain.RequestList);
    }

    private static RequestAnswer Of(LoggedRequest one) =>
        new(
            one.Number,
            Times.Utc(one.At),
            one.Method,
            one.Path,
            one.Status,
            one.Milliseconds,
            one.Code,
            one.Actor,
            one.Tenant == RequestLog.Nobody ? null : one.Tenant,
            one.RequestId,
            one.Messages,
            one.Node
        );
}
