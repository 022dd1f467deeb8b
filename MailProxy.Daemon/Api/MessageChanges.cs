using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Makes a person's change of a message, and wakes whoever must know.</summary>
internal sealed class MessageChanges(
    IMessageStore store,
    IMessageQueries queries,
    MessageAnswers answers,
    Wake wake,
    DispatcherControl dispatcher,
    TimeProvider clock
)
{
    public async Task<ChangeResult> MakeAsync(MessageKey key, MessageChange change, string actor)
    {
        var result = await store.ChangeAsync(key, change, actor, clock.GetUtcNow().ToUnixTimeMilliseconds());
        Made(result);
        return result;
    }

    /// <summary>Wakes whoever must know of a change that was made.</summary>
    public void Made(ChangeResult result)
    {
        if (result is not ChangeResult.Done done)
            return;
        if (done.Due != long.MaxValue)
            wake.Due(done.Lane, done.Due);
        if (done.ExpiresAt != long.MaxValue)
            dispatcher.ExpiryHint(done.ExpiresAt);
    }

    /// <summary>Makes a change and answers the message as it is then.</summary>
    public async Task<IResult> AnswerAsync(HttpContext http, string id, MessageChange change)
    {
        var caller = Caller.Of(http);
        var key = new MessageKey(caller.Tenant, id);
        return await MakeAsync(key, change, caller.Actor) switch
        {
            ChangeResult.Done => await queries.GetAsync(key) is { } view
                ? TypedResults.Json(answers.Of(view), ApiJson.Plain.MessageAnswer)
                : ProblemAnswer.NotFound("message"),
            ChangeResult.Conflict conflict => new ProblemAnswer(
                new Problem(409, conflict.Code, Detail(conflict)),
                null,
                id,
                conflict.State
            ),
            ChangeResult.Purged => Refusals.BodyPurged,
            _ => ProblemAnswer.NotFound("message"),
        };
    }

    private static string Detail(ChangeResult.Conflict conflict) =>
        conflict.Code switch
        {
            "account_deleted" => "The account or pool that the message names was deleted. Reroute the message, or submit it anew.",
            "expires_before_send_at" => "The message has an expires_at of its own, which lies before that send_at: give expires_at too.",
            _ => $"The message is {conflict.State.Name()}: this cannot be done now.",
        };
}
