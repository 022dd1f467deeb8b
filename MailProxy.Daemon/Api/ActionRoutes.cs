using MailProxy.Pipeline;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Ingest;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>What a person may do with one message: cancel, retry, hold, release, reschedule.</summary>
internal sealed class ActionRoutes(
    IMessageStore store, IMessageQueries queries, CurrentAccounts accounts, MessageAnswers answers, ConfigurationBody bodies, Wake wake, DispatcherControl dispatcher, IngestOptions limits, TimeProvider clock)
{
    public void Map(RouteGroupBuilder v1)
    {
        Map(v1, "cancel", Cancel, "Never send it (again)");
        Map(v1, "retry", Retry, "Try it now; a failed or expired one is queued anew");
        Map(v1, "hold", Hold, "Keep it until released");
        Map(v1, "release", Release, "Let a held one go");
        Map(v1, "reschedule", Reschedule, "Send it at another time").Accepts<RescheduleRequest>("application/json");
    }

    private static RouteHandlerBuilder Map(RouteGroupBuilder v1, string name, Delegate handler, string summary) =>
        v1.MapPost($"/messages/{{id}}/{name}", handler).WithName(name + "Message").WithSummary(summary).WithTags("Messages").Needs(KeyScopes.Send).Produces<MessageAnswer>();

    private Task<IResult> Cancel(HttpContext http, string id) => ChangeAsync(http, id, new MessageChange.Cancel());

    private async Task<IResult> Retry(HttpContext http, string id)
    {
        // An expired message lasts anew as long as one that is submitted now.
        var view = await queries.GetAsync(new(Caller.Of(http).Tenant, id));
        var lasts = view is not null && accounts.Directory.Find(view.Account) is { } account ? accounts.Directory.ExpiryOf(account) : null;
        return await ChangeAsync(http, id, new MessageChange.Retry(Now + (long)(lasts ?? limits.DefaultExpiry).TotalMilliseconds));
    }

    private Task<IResult> Hold(HttpContext http, string id) => ChangeAsync(http, id, new MessageChange.Hold());

    private Task<IResult> Release(HttpContext http, string id) => ChangeAsync(http, id, new MessageChange.Release());

    private async Task<IResult> Reschedule(HttpContext http, string id)
    {
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal) return refusal;

        var members = new MemberReader(body.Root);
        var sendAt = members.Time("send_at", required: true);
        members.Close();
        return members.Refusal ?? await ChangeAsync(http, id, new MessageChange.Reschedule(sendAt!.Value));
    }

    private static string Detail(ChangeResult.Conflict conflict) => conflict.Code == "account_deleted"
        ? "The account that the message names was deleted. Submit the message anew with another account."
        : $"The message is {conflict.State.Name()}: this cannot be done now.";

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private async Task<IResult> ChangeAsync(HttpContext http, string id, MessageChange change)
    {
        var caller = Caller.Of(http);
        var key = new MessageKey(caller.Tenant, id);
        switch (await store.ChangeAsync(key, change, caller.Actor, Now))
        {
            case ChangeResult.Done done:
                if (done.Due != long.MaxValue) wake.Due(done.Account, done.Due);
                if (done.ExpiresAt != long.MaxValue) dispatcher.ExpiryHint(done.ExpiresAt);
                return await queries.GetAsync(key) is { } view
                    ? TypedResults.Json(answers.Of(view), ApiJson.Plain.MessageAnswer)
                    : ProblemAnswer.NotFound("message");
            case ChangeResult.Conflict conflict:
                var problem = new Problem(409, conflict.Code, Detail(conflict));
                return new ProblemAnswer(problem, null, id, conflict.State);
            case ChangeResult.Purged:
                return Refusals.BodyPurged;
            default:
                return ProblemAnswer.NotFound("message");
        }
    }
}
