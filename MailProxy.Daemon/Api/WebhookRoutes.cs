using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Options;

namespace MailProxy.Daemon.Api;

/// <summary>Webhooks of a tenant, each with a position of its own.</summary>
internal sealed class WebhookRoutes(
    ConfigurationWriter<WebhookEndpoint> writer,
    ConfigurationTurn turn,
    ConfigurationBody bodies,
    IDeliveryLog log,
    WebhookAnswers answers,
    WebhooksChanged changed,
    WebhookTrial trial,
    WebhookHeard heard,
    IOptions<ApiOptions> options,
    TimeProvider clock,
    Quotas quotas,
    ReadTurns turns
) : ResourceRoutes<WebhookEndpoint>(WebhookFields.Noun, writer, bodies)
{
    private readonly ConfigurationWriter<WebhookEndpoint> _writer = writer;
    private readonly ConfigurationBody _bodies = bodies;

    public void Map(RouteGroupBuilder v1)
    {
        Map(
            v1,
            "List webhooks",
            "One webhook and how far it is behind",
            "Create or replace a webhook; its creation answers the secret once",
            "Delete a webhook"
        );
        Action(v1.MapPost("/webhooks/{id}/pause", Pause), "pauseWebhook", "Let its events wait").Versioned();
        Action(v1.MapPost("/webhooks/{id}/resume", Resume), "resumeWebhook", "Report again; enables one that was disabled").Versioned();
        v1.MapPost("/webhooks/{id}/test", Test)
            .WithName("testWebhook")
            .WithSummary("Send a request that tells of nothing, and say how it was answered")
            .WithTags("Webhooks")
            .Needs(KeyScopes.Manage)
            .Produces<WebhookTestAnswer>();
        v1.MapGet("/webhooks/{id}/answers", Answers)
            .WithName("listWebhookAnswers")
            .WithSummary("How it answered the last requests: status, time, the beginning of the text")
            .WithTags("Webhooks")
            .Needs(KeyScopes.Read)
            .Produces<WebhookReplyList>();
        Action(
                v1.MapPost("/webhooks/{id}/rotate-secret", Rotate),
                "rotateWebhookSecret",
                "Make a new secret, answered once; the old one signs too for a while"
            )
            .Versioned();
        Action(v1.MapPost("/webhooks/{id}/replay", Replay), "replayWebhook", "Tell the events of a time once more")
            .Versioned()
            .Accepts<WebhookReplayRequest>("application/json");
    }

    protected override async ValueTask<JsonObject> ShowAsync(HttpContext http, WebhookEndpoint value) =>
        await answers.ShowAsync(value, http.Features.Get<MadeSecret>()?.Text);

    // A backlog is counted, which may be long.
    protected override async ValueTask<JsonObject> ShowListedAsync(HttpContext http, WebhookEndpoint value) =>
        await turns.RunAsync(http, () => answers.ShowAsync(value, secret: null));

    protected override WebhookEndpoint Bind(MemberReader members, HttpContext http, string id, WebhookEndpoint? existing)
    {
        var webhook = base.Bind(members, http, id, existing);
        var isMade = !members.Has("secret") && webhook.Secret != existing?.Secret;
        http.Features.Set(isMade ? new MadeSecret(webhook.Secret) : null);
        return webhook;
    }

    protected override ValueTask<ProblemAnswer?> RefusalOfNewAsync(Caller caller, string id) =>
        new(
            Quotas.Refusal(
                caller,
                _writer.Snapshot.All.Count(webhook => webhook.Tenant == caller.Tenant),
                quotas.Options.MaxWebhooks,
                "webhooks",
                nameof(TenantOptions.MaxWebhooks)
            )
        );

    protected override ValueTask ChangedAsync(Caller caller, Written<WebhookEndpoint> written)
    {
        changed();
        return default;
    }

    private Task<IResult> Pause(HttpContext http, string id) =>
        ActAsync(http, id, "pause", static webhook => webhook.Paused ? webhook : webhook with { Paused = true });

    private Task<IResult> Resume(HttpContext http, string id) =>
        ActAsync(
            http,
            id,
            WebhookFields.Resume,
            async webhook =>
                webhook.Paused || await log.ProgressAsync(webhook.Tenant, webhook.Id) is { DisabledAt: not null }
                    ? webhook with
                    {
                        Paused = false,
                    }
                    : webhook
        );

    private Task<IResult> Rotate(HttpContext http, string id) =>
        ActAsync(
            http,
            id,
            "rotate_secret",
            webhook =>
            {
                var secret = WebhookSignature.NewSecret();
                http.Features.Set(new MadeSecret(secret));
                return webhook with
                {
                    Secret = secret,
                    PreviousSecret = webhook.Secret,
                    PreviousUntil = (clock.GetUtcNow() + options.Value.WebhookSecretOverlap).ToUnixTimeMilliseconds(),
                };
            }
        );

    private async Task<IResult> Test(HttpContext http, string id)
    {
        var caller = Caller.Of(http);
        if (Find(caller, id) is not { } found)
            return ProblemAnswer.NotFound("webhook");
        if (found.Value is not { } webhook)
            return Damaged;
        using var one = quotas.TryTest(caller);
        return one is null
            ? Quotas.TooManyTests
            : TypedResults.Json(await trial(webhook, http.RequestAborted), ApiJson.Plain.WebhookTestAnswer);
    }

    private IResult Answers(HttpContext http, string id)
    {
        var caller = Caller.Of(http);
        return Find(caller, id) is null
            ? ProblemAnswer.NotFound("webhook")
            : TypedResults.Json(new(heard(caller.Tenant, id)), ApiJson.Plain.WebhookReplyList);
    }

    private async Task<IResult> Replay(HttpContext http, string id)
    {
        using var body = await _bodies.ReadAsync(http);
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
        using (await turn.TakeAsync(http.RequestAborted))
        {
            var found = Find(caller, id);
            if (!Preconditions.Of(http)(found?.Version ?? 0))
                return Preconditions.Failed;
            if (found is { Value: null })
                return Damaged;
            if (!await log.ReplayAsync(caller.Tenant, id, from, to, caller.Actor))
                return ProblemAnswer.NotFound("webhook");
            await _writer.ReloadAsync();
        }

        changed();
        return await AnswerAsync(http, id);
    }

    private static RouteHandlerBuilder Action(RouteHandlerBuilder route, string name, string summary) =>
        route.WithName(name).WithSummary(summary).WithTags("Webhooks").Needs(KeyScopes.Manage).Produces<Shown<WebhookEndpoint>>();

    /// <summary>A secret that this request has made, answered once.</summary>
    private sealed record MadeSecret(string Text)
    {
        // A record's generated text would carry the secret into a log.
        public override string ToString() => nameof(MadeSecret);
    }
}
