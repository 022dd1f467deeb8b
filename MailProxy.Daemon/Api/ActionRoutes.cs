using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>What a person may do with one message: cancel, retry, hold, release, reschedule.</summary>
internal sealed class ActionRoutes(
    IMessageStore store,
    IMessageQueries queries,
    CurrentAccounts accounts,
    MessageAnswers answers,
    ConfigurationBody bodies,
    Wake wake,
    DispatcherControl dispatcher,
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

    private Task<IResult> Cancel(HttpContext http, string id) => ChangeAsync(http, id, new MessageChange.Cancel());

    private async Task<IResult> Retry(HttpContext http, string id)
    {
        // An expired message lasts anew as long as one that is submitted now.
        var view = await queries.GetAsync(new(Caller.Of(http).Tenant, id));
        return await ChangeAsync(http, id, new MessageChange.Retry(Now + Lasts(view?.Account ?? default)));
    }

    private Task<IResult> Hold(HttpContext http, string id) => ChangeAsync(http, id, new MessageChange.Hold());

    private Task<IResult> Release(HttpContext http, string id) => ChangeAsync(http, id, new MessageChange.Release());

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
        return await ChangeAsync(
            http,
            id,
            new MessageChange.Reschedule(sendAt!.Value, expiresAt ?? await MovedExpiryAsync(key, sendAt.Value))
        );
    }

    private string AtMost => $"At most {(int)limits.MaxAhead.TotalDays} days ahead; Unix times are in seconds.";

    private bool TooFar(long? time) => time > Now + (long)limits.MaxAhead.TotalMilliseconds;

    // An expiry that nobody asked for lies as far behind send_at as the rules say, and follows it; any other was asked for, and stays.
    private async Task<long?> MovedExpiryAsync(MessageKey key, long sendAt)
    {
        if (await queries.GetAsync(key) is not { } view)
            return null;
        var lasts = Lasts(view.Account);
        return view.ExpiresAt == (view.SendAt ?? view.CreatedAt) + lasts ? Math.Max(sendAt, Now) + lasts : null;
    }

    private long Lasts(AccountKey account) =>
        (long)
            (
                (accounts.Directory.Find(account) is { } known ? accounts.Directory.ExpiryOf(known) : null) ?? limits.DefaultExpiry
            ).TotalMilliseconds;

    private static string Detail(ChangeResult.Conflict conflict) =>
        conflict.Code switch
        {
            "account_deleted" => "The account that the message names was deleted. Submit the message anew with another account.",
            "expires_before_send_at" => "The message has an expires_at of its own, which lies before that send_at: give expires_at too.",
            _ => $"The message is {conflict.State.Name()}: this cannot be done now.",
        };

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private async Task<IResult> ChangeAsync(HttpContext http, string id, MessageChange change)
    {
        var caller = Caller.Of(http);
        var key = new MessageKey(caller.Tenant, id);
        switch (await store.ChangeAsync(key, change, caller.Actor, Now))
        {
            case ChangeResult.Done done:
                if (done.Due != long.MaxValue)
                    wake.Due(done.Lane, done.Due);
                if (done.ExpiresAt != long.MaxValue)
                    dispatcher.ExpiryHint(done.ExpiresAt);
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
