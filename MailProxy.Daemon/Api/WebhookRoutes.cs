using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Webhooks of a tenant, each with a position of its own.</summary>
internal sealed class WebhookRoutes(
    IDeliveryLog log,
    ConfigurationBody bodies,
    ConfigurationTurn turn,
    WebhooksChanged changed,
    WebhookAnswers answers,
    Quotas quotas,
    ReadTurns turns
)
{
    public void Map(RouteGroupBuilder v1)
    {
        v1.MapGet("/webhooks", (Delegate)List)
            .WithName("listWebhooks")
            .WithSummary("List webhooks")
            .WithTags("Webhooks")
            .Needs(KeyScopes.Read)
            .Query("tenant", "limit", "cursor")
            .Produces<WebhookList>();
        v1.MapGet("/webhooks/{id}", Get)
            .WithName("getWebhook")
            .WithSummary("One webhook and how far it is behind")
            .WithTags("Webhooks")
            .Needs(KeyScopes.Read)
            .Produces<WebhookAnswer>();
        v1.MapPut("/webhooks/{id}", Put)
            .WithName("putWebhook")
            .WithSummary("Create or replace a webhook; its creation answers the secret once")
            .WithTags("Webhooks")
            .Needs(KeyScopes.Manage)
            .Accepts<WebhookRequest>("application/json")
            .Produces<WebhookAnswer>()
            .Produces<WebhookAnswer>(StatusCodes.Status201Created);
        v1.MapDelete("/webhooks/{id}", Delete)
            .WithName("deleteWebhook")
            .WithSummary("Delete a webhook")
            .WithTags("Webhooks")
            .Needs(KeyScopes.Manage)
            .Produces(StatusCodes.Status204NoContent);
        v1.MapPost("/webhooks/{id}/pause", Pause)
            .WithName("pauseWebhook")
            .WithSummary("Let its events wait")
            .WithTags("Webhooks")
            .Needs(KeyScopes.Manage)
            .Produces<WebhookAnswer>();
        v1.MapPost("/webhooks/{id}/resume", Resume)
            .WithName("resumeWebhook")
            .WithSummary("Report again; enables one that was disabled")
            .WithTags("Webhooks")
            .Needs(KeyScopes.Manage)
            .Produces<WebhookAnswer>();
    }

    private async Task<IResult> List(HttpContext http)
    {
        var query = new QueryReader(http);
        if (!query.Tenant(out var tenant))
            return ProblemAnswer.Of(404, "unknown_tenant", "There is no such tenant.");
        var limit = query.Limit();
        var after = query.CursorText();
        if (query.Refusal is { } refusal)
            return refusal;

        var found = (await log.EndpointsAsync())
            .Where(e => tenant is null || e.Tenant == tenant)
            .Select(e => (Endpoint: e, Place: $"{e.Tenant}/{e.Id}"))
            .Where(e => after is null || string.CompareOrdinal(e.Place, after) > 0)
            .OrderBy(e => e.Place, StringComparer.Ordinal)
            .Take(limit + 1)
            .ToArray();
        var page = new List<WebhookAnswer>();
        foreach (var (endpoint, _) in found.Take(limit))
            page.Add(await turns.RunAsync(http, () => answers.OfAsync(endpoint)));
        return TypedResults.Json(new(page, found.Length > limit ? Cursor.Write(found[limit - 1].Place) : null), ApiJson.Plain.WebhookList);
    }

    private async Task<IResult> Get(HttpContext http, string id) =>
        await FindAsync(Caller.Of(http).Tenant, id) is { } endpoint ? await answers.JsonAsync(endpoint) : ProblemAnswer.NotFound("webhook");

    private async Task<IResult> Put(HttpContext http, string id)
    {
        if (!ObjectIds.IsValid(id))
            return ObjectIds.Invalid;
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return refusal;

        var caller = Caller.Of(http);
        using var mine = await turn.TakeAsync(http.RequestAborted);
        var existing = await FindAsync(caller.Tenant, id);

        var members = new MemberReader(body.Root);
        var (endpoint, show) = WebhookBinder.Bind(members, caller.Tenant, id, existing, log.Last, WebhookSignature.NewSecret);
        if (members.Refusal is { } mistakes)
            return mistakes;
        if (existing is null && await TooManyAsync(caller) is { } full)
            return full;

        var created = await log.PutEndpointAsync(endpoint, caller.Actor);
        changed();

        if (created)
            http.Response.Headers.Location = $"/v1/webhooks/{id}";
        return await answers.JsonAsync(
            await FindAsync(caller.Tenant, id) ?? endpoint,
            show ? endpoint.Secret : null,
            created ? StatusCodes.Status201Created : StatusCodes.Status200OK
        );
    }

    private async Task<IResult> Delete(HttpContext http, string id)
    {
        var caller = Caller.Of(http);
        using var mine = await turn.TakeAsync(http.RequestAborted);
        if (!await log.DeleteEndpointAsync(caller.Tenant, id, caller.Actor))
            return ProblemAnswer.NotFound("webhook");
        changed();
        return TypedResults.NoContent();
    }

    private Task<IResult> Pause(HttpContext http, string id) => SetPausedAsync(http, id, true);

    private Task<IResult> Resume(HttpContext http, string id) => SetPausedAsync(http, id, false);

    private async Task<IResult> SetPausedAsync(HttpContext http, string id, bool paused)
    {
        var caller = Caller.Of(http);
        using var mine = await turn.TakeAsync(http.RequestAborted);
        if (await log.SetPausedAsync(caller.Tenant, id, paused, caller.Actor) is not { } endpoint)
            return ProblemAnswer.NotFound("webhook");
        changed();
        return await answers.JsonAsync(endpoint);
    }

    private async Task<ProblemAnswer?> TooManyAsync(Caller caller)
    {
        if (caller.IsAdmin)
            return null;
        var there = (await log.EndpointsAsync()).Count(endpoint => endpoint.Tenant == caller.Tenant);
        return Quotas.Refusal(caller, there, quotas.Options.MaxWebhooks, "webhooks", nameof(TenantOptions.MaxWebhooks));
    }

    private async Task<WebhookEndpoint?> FindAsync(string tenant, string id) =>
        (await log.EndpointsAsync()).FirstOrDefault(e => e.Tenant == tenant && e.Id == id);
}
