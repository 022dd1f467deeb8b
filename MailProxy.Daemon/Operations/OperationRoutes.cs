using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Operations;

/// <summary>One action on all messages that a search finds: shown first, then begun, followed, stopped, undone.</summary>
internal sealed class OperationRoutes(
    IOperationStore store,
    OperationPreview preview,
    OperationRunner runner,
    ActionToken tokens,
    ConfigurationBody bodies,
    TimeProvider clock
)
{
    private const string List = "operations";

    // Of one tenant: they run one after another.
    private const int MostRunning = 10;

    private static readonly ProblemAnswer NotRunning = ProblemAnswer.Of(409, "already_ended", "The operation has ended.");
    private static readonly ProblemAnswer StillRunning = ProblemAnswer.Of(409, "still_running", "Stop the operation, or wait for its end.");
    private static readonly ProblemAnswer TooMany = new(
        new(429, "too_many_operations", $"{MostRunning} operations run already: wait until one has ended."),
        10
    );

    public void Map(RouteGroupBuilder v1)
    {
        v1.MapPost("/messages/actions", (Delegate)Act)
            .WithName("actOnMessages")
            .WithSummary("Show what an action would do to all messages that a search finds, or begin it")
            .WithTags("Operations")
            .Needs(KeyScopes.Send)
            .Changes()
            .Accepts<ActionRequest>("application/json")
            .Produces<PreviewAnswer>()
            .Produces<OperationAnswer>(StatusCodes.Status202Accepted);
        v1.MapGet("/operations", (Delegate)ListAsync)
            .WithName("listOperations")
            .WithSummary("Operations, newest first")
            .WithTags("Operations")
            .Needs(KeyScopes.Read)
            .Query("tenant", "limit", "cursor")
            .Produces<OperationList>();
        v1.MapGet("/operations/{id}", Get)
            .WithName("getOperation")
            .WithSummary("How far an operation is")
            .WithTags("Operations")
            .Needs(KeyScopes.Read)
            .Produces<OperationAnswer>();
        v1.MapPost("/operations/{id}/stop", Stop)
            .WithName("stopOperation")
            .WithSummary("End an operation; what it has changed stays changed")
            .WithTags("Operations")
            .Needs(KeyScopes.Send)
            .Changes()
            .Produces<OperationAnswer>();
        v1.MapPost("/operations/{id}/undo", Undo)
            .WithName("undoOperation")
            .WithSummary("Begin an operation that undoes what an ended one has changed, within an hour of its end")
            .WithTags("Operations")
            .Needs(KeyScopes.Send)
            .Changes()
            .Produces<OperationAnswer>(StatusCodes.Status202Accepted);
    }

    private async Task<IResult> Act(HttpContext http)
    {
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return refusal;
        var members = new MemberReader(body.Root);
        if (!members.Has("token"))
            return await preview.ShowAsync(http, members);
        var written = members.Text("token", ActionToken.MaxLength);
        members.Close();
        var shown = written is null ? null : tokens.Read(written);
        if (members.Refusal is null && (shown is null || shown.Tenant != Caller.Of(http).Tenant))
            members.Fault("token", "invalid_token", "Not a token of a preview of this tenant: ask for the preview again.");
        else if (shown is not null && Now - shown.AskedAt > (long)ActionToken.Lasts.TotalMilliseconds)
            members.Fault("token", "token_expired", "The preview is older than 15 minutes: ask for it again.");
        return members.Refusal is { } mistakes ? mistakes : await BeginAsync(http, shown!);
    }

    private async Task<IResult> BeginAsync(HttpContext http, ActionPreview shown)
    {
        var caller = Caller.Of(http);
        var operation = new Operation(
            0,
            shown.Tenant,
            shown.Id,
            shown.Action,
            shown.Search,
            shown.Details.ToString(),
            shown.AskedAt,
            shown.Through,
            shown.Expected,
            caller.Actor,
            Now
        );

        // Begun before by the same token: it is answered again.
        return await store.FindAsync(caller.Tenant, shown.Id) is { } there ? Accepted(http, there) : await AddAsync(http, operation);
    }

    private async Task<IResult> AddAsync(HttpContext http, Operation operation)
    {
        if ((await store.RunningAsync()).Count(one => one.Tenant == operation.Tenant) >= MostRunning)
            return TooMany;
        await store.AddAsync(operation);
        runner.Begin();
        return await store.FindAsync(operation.Tenant, operation.Id) is { } added
            ? Accepted(http, added)
            : ProblemAnswer.Of(409, "already_undone", "The operation was undone already.");
    }

    private static IResult Accepted(HttpContext http, Operation operation)
    {
        http.Response.Headers.Location = $"/v1/operations/{operation.Id}";
        return TypedResults.Json(OperationAnswer.Of(operation), ApiJson.Plain.OperationAnswer, statusCode: StatusCodes.Status202Accepted);
    }

    private async Task<IResult> ListAsync(HttpContext http)
    {
        var query = new QueryReader(http);
        if (!query.Tenant(out var tenant))
            return ProblemAnswer.Of(404, "unknown_tenant", "There is no such tenant.");
        var limit = query.Limit();
        var before = query.CursorNumber(List);
        if (query.Refusal is { } refusal)
            return refusal;
        var some = await store.ListAsync(tenant, limit + 1, before);
        var next = some.Count > limit ? Cursor.Write(http, List, some[limit - 1].Number) : null;
        return TypedResults.Json(new([.. some.Take(limit).Select(OperationAnswer.Of)], next), ApiJson.Plain.OperationList);
    }

    private async Task<IResult> Get(HttpContext http, string id) =>
        await store.FindAsync(Caller.Of(http).Tenant, id) is { } operation ? Answer(operation) : ProblemAnswer.NotFound("operation");

    private async Task<IResult> Stop(HttpContext http, string id)
    {
        var caller = Caller.Of(http);
        if (await store.FindAsync(caller.Tenant, id) is not { } operation)
            return ProblemAnswer.NotFound("operation");
        return await store.EndAsync(operation, null, caller.Actor, Now) ? await Get(http, id) : NotRunning;
    }

    private async Task<IResult> Undo(HttpContext http, string id)
    {
        var caller = Caller.Of(http);
        if (await store.FindAsync(caller.Tenant, id) is not { } done)
            return ProblemAnswer.NotFound("operation");
        if (done.EndedAt is not { } ended)
            return StillRunning;
        if (done.Undoes is not null || BulkActions.Inverse(done.Action) is not { } inverse)
            return ProblemAnswer.Of(409, "not_undoable", $"{BulkActions.All.Of(done.Action)} cannot be undone.");
        if (Now - ended > (long)BulkActions.Undoable.TotalMilliseconds)
            return ProblemAnswer.Of(409, "too_late", "An operation can be undone for an hour after its end.");
        if (done.UndoneBy is not null)
            return ProblemAnswer.Of(409, "already_undone", $"The operation was undone by {done.UndoneBy}.");
        return await AddAsync(
            http,
            new(0, done.Tenant, OperationPreview.NewId(), inverse, "", done.Details, Now, done.Through, done.Changed, caller.Actor, Now)
            {
                Undoes = done.Number,
            }
        );
    }

    private static IResult Answer(Operation operation) => TypedResults.Json(OperationAnswer.Of(operation), ApiJson.Plain.OperationAnswer);

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();
}
