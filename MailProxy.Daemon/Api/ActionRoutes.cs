using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>What a person may do with one message: cancel, retry, hold, release, reschedule.</summary>
internal sealed class ActionRoutes(
    IMessageQueries queries,
    MessageTimes times,
    MessageChanges changes,
    ConfigurationBody bodies,
    IngestOptions limits,
    TimeProvider clock
)
{
    public void Map(RouteGroupBuilder v1)
    {
        Describe(v1.MapPost("/messages/{id}/cancel", Cancel), "cancel", "Never send it (again)");
        Describe(v1.MapPost("/messages/{id}/retry", Retry), "retry", "Try it now; a failed or expired one is queued anew");
        Describe(v1.MapPost("/messages/{id}/hold", Hold), "hold", "Keep it until released");
        Describe(v1.MapPost("/messages/{id}/release", Release), "release", "Let a held one go");
        Describe(v1.MapPost("/messages/{id}/reschedule", Reschedule), "reschedule", "Send it at another time")
            .Accepts<RescheduleRequest>("application/json");
    }

    private static RouteHandlerBuilder Describe(RouteHandlerBuilder route, string name, string summary) =>
        route.WithName(name + "Message").WithSummary(summary).WithTags("Messages").Needs(KeyScopes.Send).Produces<MessageAnswer>();

    private Task<IResult> Cancel(HttpContext http, string id) => changes.AnswerAsync(http, id, new MessageChange.Cancel());

    private async Task<IResult> Retry(HttpContext http, string id)
    {
        var view = await queries.GetAsync(new(Caller.Of(http).Tenant, id));
        return await changes.AnswerAsync(http, id, times.Retry(view));
    }

    private Task<IResult> Hold(HttpContext http, string id) => changes.AnswerAsync(http, id, new MessageChange.Hold());

    private Task<IResult> Release(HttpContext http, string id) => changes.AnswerAsync(http, id, new MessageChange.Release());

    private async Task<IResult> Reschedule(HttpContext http, string id)
    {
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return refusal;

        var members = new MemberReader(body.Root);
        var sendAt = members.Time("send_at", required: true);
        var expiresAt = members.Time("expires_at");
        if (TooFar(sendAt))
            members.Fault("send_at", "out_of_range", AtMost);
        if (TooFar(expiresAt))
            members.Fault("expires_at", "out_of_range", AtMost);
        if (expiresAt <= sendAt)
            members.Fault("expires_at", "expires_before_send", "expires_at lies before send_at.");
        else if (expiresAt <= Now)
            members.Fault("expires_at", "expires_in_past", "expires_at has passed.");
        members.Close();
        if (members.Refusal is { } mistakes)
            return mistakes;

        var key = new MessageKey(Caller.Of(http).Tenant, id);
        return await changes.AnswerAsync(
            http,
            id,
            new MessageChange.Reschedule(sendAt!.Value, expiresAt ?? times.MovedExpiry(await queries.GetAsync(key), sendAt.Value))
        );
    }

    private string AtMost => $"At most {(int)limits.MaxAhead.TotalDays} days ahead; Unix times are in seconds.";

    private bool TooFar(long? time) => time > Now + (long)limits.MaxAhead.TotalMilliseconds;

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();
}
