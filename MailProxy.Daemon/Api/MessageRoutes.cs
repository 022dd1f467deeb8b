using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Reading messages: list, one, its events, its bytes.</summary>
internal sealed class MessageRoutes(
    IMessageQueries queries,
    MessageAnswers answers,
    MessageFilters filters,
    ReadTurns turns,
    AnswerMemory memory,
    RawMessages raw
)
{
    private const string EventsOfMessage = "message/events";

    public void Map(RouteGroupBuilder v1)
    {
        v1.MapGet("/messages", (Delegate)List)
            .WithName("listMessages")
            .WithSummary("List messages, newest first")
            .WithTags("Messages")
            .Needs(KeyScopes.Read)
            .Query([.. MessageFilters.Names, "tenant", "limit", "cursor"])
            .Produces<MessageList>();
        v1.MapGet("/messages/{id}", Get)
            .WithName("getMessage")
            .WithSummary("One message with its recipients and why it waits")
            .WithTags("Messages")
            .Needs(KeyScopes.Read)
            .Produces<MessageAnswer>();
        v1.MapGet("/messages/{id}/events", Events)
            .WithName("listMessageEvents")
            .WithSummary("What became of a message, oldest first")
            .WithTags("Messages")
            .Needs(KeyScopes.Read)
            .Query("limit", "cursor")
            .Produces<EventList>();
        v1.MapGet("/messages/{id}/attempts", Attempts)
            .WithName("listAttempts")
            .WithSummary("What was said in the last attempts that did not simply succeed, oldest first")
            .WithTags("Messages")
            .Needs(KeyScopes.Read)
            .Produces<AttemptList>();
        v1.MapGet("/messages/{id}/raw", raw.GetAsync)
            .WithName("getRawMessage")
            .WithSummary("The message as it goes out, RFC 5322")
            .WithTags("Messages")
            .Needs(KeyScopes.Read)
            .Produces<string>(StatusCodes.Status200OK, "message/rfc822");
    }

    private async Task<IResult> List(HttpContext http)
    {
        var query = new QueryReader(http);
        if (!query.Tenant(out var tenant))
            return ProblemAnswer.Of(404, "unknown_tenant", "There is no such tenant.");
        var filter = filters.Read(http, query, tenant);
        var limit = query.Limit();
        var before = query.CursorNumber("messages");
        if (query.Refusal is { } refusal)
            return refusal;

        return Page(http, await turns.RunAsync(http, () => queries.ListAsync(filter, limit, before)));
    }

    private BytesAnswer Page(HttpContext http, MessagePage page)
    {
        var list = new MessageList(
            [.. page.Messages.Select(answers.Of)],
            page.Next is { } next ? Cursor.Write(http, "messages", next) : null,
            page.Scanned
        );
        return new(memory, JsonSerializer.SerializeToUtf8Bytes(list, ApiJson.Plain.MessageList), "application/json; charset=utf-8");
    }

    private async Task<IResult> Get(HttpContext http, string id) =>
        await queries.GetAsync(new(Caller.Of(http).Tenant, id)) is { } view
            ? TypedResults.Json(answers.Of(view), ApiJson.Plain.MessageAnswer)
            : ProblemAnswer.NotFound("message");

    private async Task<IResult> Attempts(HttpContext http, string id)
    {
        var attempts = await turns.RunAsync(http, () => queries.AttemptsAsync(new(Caller.Of(http).Tenant, id)));
        return attempts is null
            ? ProblemAnswer.NotFound("message")
            : new BytesAnswer(
                memory,
                JsonSerializer.SerializeToUtf8Bytes(answers.Of(attempts), ApiJson.Plain.AttemptList),
                "application/json; charset=utf-8"
            );
    }

    private async Task<IResult> Events(HttpContext http, string id)
    {
        var query = new QueryReader(http);
        var limit = query.Limit();
        var after = query.CursorNumber(EventsOfMessage) ?? 0;
        if (after > int.MaxValue)
            query.Fault("cursor", "Must be a next_cursor of this list.");
        if (query.Refusal is { } refusal)
            return refusal;

        var events = await turns.RunAsync(http, () => queries.EventsAsync(new(Caller.Of(http).Tenant, id), (int)after, limit + 1));
        return events is null
            ? ProblemAnswer.NotFound("message")
            : new EventPage(
                memory,
                [.. events.Take(limit)],
                events.Count > limit ? Cursor.Write(http, EventsOfMessage, events[limit - 1].Sequence) : null
            );
    }
}
