using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Batches: what became of their mail, and letting it wait. One that no message names yet may be suspended before its mail comes.
/// </summary>
internal sealed class BatchRoutes(
    IBatchStore store,
    ConfigurationBody bodies,
    CurrentAccounts accounts,
    ConfigurationTurn turn,
    Wake wake,
    Quotas quotas,
    OperatorLog told,
    ReadTurns turns
)
{
    public void Map(RouteGroupBuilder v1)
    {
        v1.MapGet("/batches", (Delegate)List)
            .Needs(KeyScopes.Read)
            .WithName("listBatches")
            .WithSummary("Batches that messages name, that are suspended or have a weight, by name")
            .WithTags("Batches")
            .Query("tenant", "limit", "cursor")
            .Produces<BatchList>();
        v1.MapPut("/batches/{id}", Put)
            .Needs(KeyScopes.Send)
            .Changes()
            .WithName("putBatch")
            .WithSummary("Let a batch's mail wait, or go, and say how often it goes")
            .WithTags("Batches")
            .Accepts<BatchChangeRequest>("application/json")
            .Produces<BatchAnswer>()
            .Produces<BatchAnswer>(StatusCodes.Status201Created);
        v1.MapDelete("/batches/{id}", Delete)
            .Needs(KeyScopes.Send)
            .Changes()
            .WithName("deleteBatch")
            .WithSummary("Forget a batch that has no unfinished mail; its messages stay")
            .WithTags("Batches")
            .Produces(StatusCodes.Status204NoContent);
        v1.MapGet("/batches/{id}", Get)
            .Needs(KeyScopes.Read)
            .WithName("getBatch")
            .WithSummary("Whether a batch is suspended, and its messages by status")
            .WithTags("Batches")
            .Produces<BatchAnswer>();
        v1.MapPost("/batches/{id}/suspend", Suspend)
            .Needs(KeyScopes.Send)
            .Changes()
            .WithName("suspendBatch")
            .WithSummary("Let its mail wait, also what is yet to come")
            .WithTags("Batches")
            .Produces<BatchAnswer>();
        v1.MapPost("/batches/{id}/activate", Activate)
            .Needs(KeyScopes.Send)
            .Changes()
            .WithName("activateBatch")
            .WithSummary("Let its mail go")
            .WithTags("Batches")
            .Produces<BatchAnswer>();
    }

    private async Task<IResult> List(HttpContext http)
    {
        var query = new QueryReader(http);
        var limit = query.Limit();
        var after = query.CursorText();
        if (query.Refusal is { } refusal)
            return refusal;
        if (!query.Tenant(out var tenant))
            return ProblemAnswer.Of(404, "unknown_tenant", "There is no such tenant.");

        // Names have no line break.
        var place = (after ?? "\n").Split('\n', 2);
        var (batches, next) = await turns.RunAsync(http, () => store.ListAsync(tenant, (place[0], place[^1]), limit));
        return TypedResults.Json(
            new(
                [
                    .. batches.Select(batch => new BatchListItem(
                        batch.Id,
                        batch.Tenant,
                        batch.SuspendedAt is not null,
                        Times.Utc(batch.SuspendedAt),
                        batch.Weight
                    )),
                ],
                next is { } last ? Cursor.Write($"{last.Batch}\n{last.Tenant}") : null
            ),
            ApiJson.Plain.BatchList
        );
    }

    private async Task<IResult> Put(HttpContext http, string id)
    {
        if (!ObjectIds.IsValid(id))
            return ObjectIds.Invalid;
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return refusal;
        var members = new MemberReader(body.Root);
        members.ReadOnly("tenant", "suspended_at", "total", "counts");
        if (members.Text("id", 63) is { } given && given != id)
            members.Fault("id", "mismatch", "Must be the id in the path.");
        var suspended = members.Flag("suspended");
        if (suspended is null && !members.Has("suspended"))
            members.Fault("suspended", "required", "Required: true or false.");
        var weight = members.Number("weight", 1, FlowWeights.Most) ?? 1;
        members.Close();
        if (members.Refusal is { } mistakes)
            return mistakes;

        var caller = Caller.Of(http);
        using var mine = await turn.TakeAsync(http.RequestAborted);

        // One that no message names is there only while it is suspended, or has a weight.
        var before = await store.BatchAsync(caller.Tenant, id);
        if (suspended!.Value && before?.SuspendedAt is null && await TooManyAsync(caller) is { } full)
            return full;
        var created = before is null && (suspended.Value || weight > 1);
        if (!await WeighAsync(caller, id, weight))
            return TooManyWeights;
        await SetAsync(caller, id, suspended.Value);
        if (created)
            http.Response.Headers.Location = $"/v1/batches/{id}";
        return Json(
            await store.BatchAsync(caller.Tenant, id) ?? new(caller.Tenant, id, null, []),
            created ? StatusCodes.Status201Created : StatusCodes.Status200OK
        );
    }

    private async Task<IResult> Delete(HttpContext http, string id)
    {
        var caller = Caller.Of(http);
        using var mine = await turn.TakeAsync(http.RequestAborted);
        if (await store.BatchAsync(caller.Tenant, id) is not { } batch)
            return ProblemAnswer.NotFound("batch");

        // To forget that it is suspended would send its mail, and that is what activate is for.
        if (batch.Counts.Any(count => !Pipeline.Mail.WireNames.IsFinal(count.State)))
            return ProblemAnswer.Of(409, "in_use", "The batch has unfinished mail. Activate it, or cancel the mail.");
        await WeighAsync(caller, id, 1);
        await SetAsync(caller, id, false);
        return TypedResults.NoContent();
    }

    private async Task<IResult> Get(HttpContext http, string id) =>
        await turns.RunAsync(http, () => store.BatchAsync(Caller.Of(http).Tenant, id)) is { } batch
            ? Json(batch)
            : ProblemAnswer.NotFound("batch");

    private Task<IResult> Suspend(HttpContext http, string id) => SetAsync(http, id, true);

    private Task<IResult> Activate(HttpContext http, string id) => SetAsync(http, id, false);

    private async Task<IResult> SetAsync(HttpContext http, string id, bool suspended)
    {
        if (!ObjectIds.IsValid(id))
            return ObjectIds.Invalid;
        var caller = Caller.Of(http);
        using var mine = await turn.TakeAsync(http.RequestAborted);
        var before = await store.BatchAsync(caller.Tenant, id);
        if (!suspended && before is null)
            return ProblemAnswer.NotFound("batch");
        if (suspended && before?.SuspendedAt is null && await TooManyAsync(caller) is { } full)
            return full;

        await SetAsync(caller, id, suspended);

        // An empty batch that was activated is none any more, and that is what was asked for.
        return Json(await store.BatchAsync(caller.Tenant, id) ?? new(caller.Tenant, id, null, []));
    }

    private async Task<ProblemAnswer?> TooManyAsync(Caller caller) =>
        caller.IsAdmin
            ? null
            : Quotas.Refusal(
                caller,
                await store.CountSuspendedAsync(caller.Tenant),
                quotas.Options.MaxSuspendedBatches,
                "suspended batches",
                nameof(TenantOptions.MaxSuspendedBatches)
            );

    private static ProblemAnswer TooManyWeights =>
        ProblemAnswer.Of(
            422,
            "quota_exceeded",
            "As many batches as may have a weight have one: DELETE those that are over, or give them 1."
        );

    // Before the batch is activated, so that its mail goes so from the first.
    private async Task<bool> WeighAsync(Caller caller, string id, int weight)
    {
        if (!await store.SetWeightAsync(caller.Tenant, id, weight, caller.Actor))
            return false;
        accounts.Weigh(accounts.Weights.With(caller.Tenant, await store.WeightsAsync(caller.Tenant)));
        return true;
    }

    private async Task SetAsync(Caller caller, string id, bool suspended)
    {
        await store.SetSuspendedAsync(caller.Tenant, id, suspended, caller.Actor);
        told.Switched(suspended, $"The batch {caller.Tenant}/{id}", caller.Actor);
        if (suspended)
            return;
        foreach (var lane in accounts.Directory.LanesOf(caller.Tenant))
            wake.Due(lane, 0);
    }

    private static IResult Json(BatchView batch, int status = StatusCodes.Status200OK) =>
        TypedResults.Json(
            new(
                batch.Id,
                batch.Tenant,
                batch.SuspendedAt is not null,
                Times.Utc(batch.SuspendedAt),
                batch.Weight,
                batch.Counts.Sum(c => c.Count),
                batch.Counts.ToDictionary(c => Pipeline.Mail.WireNames.Name(c.State), c => c.Count)
            ),
            ApiJson.Plain.BatchAnswer,
            statusCode: status
        );
}
