using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Tenants, for the holder of the admin key. Changes act at once.</summary>
internal sealed class TenantRoutes(
    TenantChanges changes,
    CurrentTenants tenants,
    ConfigurationBody bodies,
    ConfigurationTurn turn,
    WebhooksChanged webhooks,
    ConfigurationWriter<Volume> volumes,
    ConfigurationWriter<WebhookEndpoint> endpoints,
    Wake wake,
    TenantShares shares,
    ITenantRemoval removal,
    ForgetContent forget,
    OperatorLog told
)
{
    // Some ten thousand messages; what is left goes on beside the mail.
    private const int Slices = 100;

    private static readonly ProblemAnswer StillRemoved = new(
        new(409, "tenant_being_removed", "Mail of a deleted tenant of this id is still being removed. Send it again when that is done."),
        5
    );

    public void Map(RouteGroupBuilder v1)
    {
        v1.MapGet("/tenants", (Delegate)List)
            .AdminOnly()
            .WithName("listTenants")
            .WithSummary("List tenants")
            .WithTags("Tenants")
            .Query("limit", "cursor")
            .Produces<TenantList>();
        v1.MapGet("/tenants/{id}", Get)
            .AdminOnly()
            .WithName("getTenant")
            .WithSummary("One tenant; secrets never come out")
            .WithTags("Tenants")
            .Produces<TenantAnswer>();
        v1.MapPut("/tenants/{id}", Put)
            .AdminOnly()
            .WithName("putTenant")
            .WithSummary("Create or replace a tenant, all but its secrets")
            .WithTags("Tenants")
            .Accepts<TenantRequest>("application/json")
            .Produces<TenantAnswer>()
            .Produces<TenantAnswer>(StatusCodes.Status201Created);
        v1.MapDelete("/tenants/{id}", Delete)
            .AdminOnly()
            .WithName("deleteTenant")
            .WithSummary("Delete a tenant that has no unfinished mail, with all that is configured in it")
            .WithTags("Tenants")
            .Produces(StatusCodes.Status204NoContent);
    }

    private IResult List(HttpContext http)
    {
        var query = new QueryReader(http);
        var limit = query.Limit();
        var after = query.CursorText();
        if (query.Refusal is { } refusal)
            return refusal;

        var found = tenants
            .Directory.All.Where(t => after is null || string.CompareOrdinal(t.Id, after) > 0)
            .OrderBy(t => t.Id, StringComparer.Ordinal)
            .Take(limit + 1)
            .ToArray();
        var page = found.Take(limit).Select(t => TenantAnswers.Of(t, shares.Of(t.Id))).ToArray();
        return TypedResults.Json(new(page, found.Length > limit ? Cursor.Write(found[limit - 1].Id) : null), ApiJson.Plain.TenantList);
    }

    private IResult Get(string id) => Answer(id);

    private async Task<IResult> Put(HttpContext http, string id)
    {
        if (!ObjectIds.IsValid(id))
            return ObjectIds.Invalid;
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return refusal;

        using var mine = await turn.TakeAsync(http.RequestAborted);
        var members = new MemberReader(body.Root);
        var tenant = TenantBinder.Bind(members, id, tenants.Directory.Find(id));
        if (members.Refusal is { } mistakes)
            return mistakes;

        if (tenants.Directory.Find(id) is null && !await removal.RemoveAsync(id, Slices))
            return StillRemoved;
        var wasActive = tenants.Directory.Find(id)?.Active ?? true;
        var created = await changes.PutAsync(tenant, Caller.Of(http).Actor);
        if (tenant.Active != wasActive)
            told.Switched(!tenant.Active, $"Sending of the tenant {id}", Caller.Of(http).Actor);
        wake.Look();
        if (created)
            http.Response.Headers.Location = $"/v1/tenants/{id}";
        return Answer(id, created ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private async Task<IResult> Delete(HttpContext http, string id)
    {
        if (id == Tenant.DefaultId)
            return ProblemAnswer.Of(409, "default_tenant", "The tenant default is always there.");
        using var mine = await turn.TakeAsync(http.RequestAborted);
        switch (await changes.DeleteAsync(id, Caller.Of(http).Actor))
        {
            case DeleteResult.Deleted:
                await volumes.ReloadAsync();
                await endpoints.ReloadAsync();
                webhooks();
                forget(id);
                await removal.RemoveAsync(id, Slices);
                return TypedResults.NoContent();
            case DeleteResult.InUse:
                return ProblemAnswer.Of(
                    409,
                    "in_use",
                    "The tenant has unfinished mail, or links in mail to files in its volumes. Cancel the mail, or wait."
                );
            default:
                return ProblemAnswer.NotFound("tenant");
        }
    }

    private IResult Answer(string id, int status = StatusCodes.Status200OK) =>
        tenants.Directory.Find(id) is { } tenant
            ? TypedResults.Json(TenantAnswers.Of(tenant, shares.Of(id)), ApiJson.Plain.TenantAnswer, statusCode: status)
            : ProblemAnswer.NotFound("tenant");
}
