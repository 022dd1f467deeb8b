using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Options;

namespace MailProxy.Daemon.Api;

/// <summary>What is done with a webhook, beside setting and pausing it.</summary>
internal sealed class WebhookActionRoutes(
    IDeliveryLog log,
    ConfigurationBody bodies,
    ConfigurationTurn turn,
    WebhooksChanged changed,
    WebhookAnswers answers,
    WebhookTrial trial,
    IOptions<ApiOptions> options,
    TimeProvider clock,
    Quotas quotas
)
{
    public void Map(RouteGroupBuilder v1)
    {
        v1.MapPost("/webhooks/{id}/test", Test)
            .WithName("testWebhook")
            .WithSummary("Send a request that tells of nothing, and say how it was answered")
            .WithTags("Webhooks")
            .Needs(KeyScopes.Manage)
            .Produces<WebhookTestAnswer>();
        v1.MapPost("/webhooks/{id}/rotate-secret", Rotate)
            .WithName("rotateWebhookSecret")
            .WithSummary("Make a new secret, answered once; the old one signs too for a while")
            .WithTags("Webhooks")
            .Needs(KeyScopes.Manage)
            .Produces<WebhookAnswer>();
        v1.MapPost("/webhooks/{id}/replay", Replay)
            .WithName("replayWebhook")
            .WithSummary("Tell the events of a time once more")
            .WithTags("Webhooks")
            .Needs(KeyScopes.Manage)
            .Accepts<WebhookReplayRequest>("application/json")
            .Produces<WebhookAnswer>();
    }

    private async Task<IResult> Test(HttpContext http, string id)
    {
        var caller = Caller.Of(http);
        if (await FindAsync(caller.Tenant, id) is not { } endpoint)
            return ProblemAnswer.NotFound("webhook");
        using var one = quotas.TryTest(caller);
        return one is null
            ? Quotas.TooManyTests
            : TypedResults.Json(await trial(endpoint, http.RequestAborted), ApiJson.Plain.WebhookTestAnswer);
    }

    private async Task<IResult> Rotate(HttpContext http, string id)
    {
        var caller = Caller.Of(http);
        using var mine = await turn.TakeAsync(http.RequestAborted);
        if (await FindAsync(caller.Tenant, id) is not { } endpoint)
            return ProblemAnswer.NotFound("webhook");

        var secret = WebhookSignature.NewSecret();
        var until = clock.GetUtcNow() + options.Value.WebhookSecretOverlap;
        await log.PutEndpointAsync(
            endpoint with
            {
                Secret = secret,
                PreviousSecret = endpoint.Secret,
                PreviousUntil = until.ToUnixTimeMilliseconds(),
            },
            caller.Actor
        );
        changed();
        return await answers.JsonAsync(await FindAsync(caller.Tenant, id) ?? endpoint, secret);
    }

    private async Task<IResult> Replay(HttpContext http, string id)
    {
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return refusal;
        var members = new MemberReader(body.Root);
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var from = members.Time("from", required: true) ?? 0;
        var to = members.Time("to") ?? now;
        if (from > to)
            members.Fault("from", "out_of_range", "Must not be after to, which is now when absent.");
        members.Close();
        if (members.Refusal is { } mistakes)
            return mistakes;

        var caller = Caller.Of(http);
        using var mine = await turn.TakeAsync(http.RequestAborted);
        if (await log.ReplayAsync(caller.Tenant, id, from, to, caller.Actor) is not { } endpoint)
            return ProblemAnswer.NotFound("webhook");
        changed();
        return await answers.JsonAsync(endpoint);
    }

    private async Task<WebhookEndpoint?> FindAsync(string tenant, string id) =>
        (await log.EndpointsAsync()).FirstOrDefault(e => e.Tenant == tenant && e.Id == id);
}
