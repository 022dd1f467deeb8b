using MailProxy.Pipeline;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Batches: what became of their mail, and letting it wait. One that no message names yet may be suspended before its mail comes.</summary>
internal sealed class BatchRoutes(IBatchStore store, CurrentAccounts accounts, ConfigurationTurn turn, Wake wake)
{
    public void Map(RouteGroupBuilder v1)
    {
        v1.MapGet("/batches/{id}", Get).Needs(KeyScopes.Read).WithName("getBatch").WithSummary("Whether a batch is suspended, and its messages by status").WithTags("Batches").Produces<BatchAnswer>();
        v1.MapPost("/batches/{id}/suspend", Suspend).Needs(KeyScopes.Send).WithName("suspendBatch").WithSummary("Let its mail wait, also what is yet to come").WithTags("Batches").Produces<BatchAnswer>();
        v1.MapPost("/batches/{id}/activate", Activate).Needs(KeyScopes.Send).WithName("activateBatch").WithSummary("Let its mail go").WithTags("Batches").Produces<BatchAnswer>();
    }

    private Task<IResult> Get(HttpContext http, string id) => AnswerAsync(Caller.Of(http).Tenant, id);

    private Task<IResult> Suspend(HttpContext http, string id) => SetAsync(http, id, true);

    private Task<IResult> Activate(HttpContext http, string id) => SetAsync(http, id, false);

    private async Task<IResult> SetAsync(HttpContext http, string id, bool suspended)
    {
        if (!ObjectIds.IsValid(id)) return ObjectIds.Invalid;
        var caller = Caller.Of(http);
        using var mine = await turn.TakeAsync(http.RequestAborted);
        if (!suspended && await store.BatchAsync(caller.Tenant, id) is null) return ProblemAnswer.NotFound("batch");

        await store.SetSuspendedAsync(caller.Tenant, id, suspended, caller.Actor);
        if (!suspended)
        {
            foreach (var account in accounts.Directory.All.Where(a => a.Tenant == caller.Tenant)) wake.Due(account.Key, 0);
        }

        // An empty batch that was activated is none any more, and that is what was asked for.
        return Json(await store.BatchAsync(caller.Tenant, id) ?? new(caller.Tenant, id, null, []));
    }

    private async Task<IResult> AnswerAsync(string tenant, string id) =>
        await store.BatchAsync(tenant, id) is { } batch ? Json(batch) : ProblemAnswer.NotFound("batch");

    private static IResult Json(BatchView batch) => TypedResults.Json(
        new(batch.Id, batch.Tenant, batch.SuspendedAt is not null, Times.Utc(batch.SuspendedAt), batch.Counts.Sum(c => c.Count), batch.Counts.ToDictionary(c => Pipeline.Mail.WireNames.Name(c.State), c => c.Count)),
        ApiJson.Default.BatchAnswer);
}
