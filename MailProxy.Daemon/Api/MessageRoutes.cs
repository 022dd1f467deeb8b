using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Reading messages: list, one, its events, its bytes.</summary>
internal sealed class MessageRoutes(
    IMessageQueries queries,
    MessageAnswers answers,
    CurrentAccounts accounts,
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
            .Query(
                "status",
                "account",
                "pool",
                "batch",
                "tag",
                "to",
                "priority",
                "created_after",
                "created_before",
                "tenant",
                "limit",
                "cursor"
            )
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
        var (name, poolName) = (query.Text("account"), query.Text("pool"));
        var filter = new MessageFilter(
            tenant,
            query.Value("status", WireNames.ParseState, $"Must be one of: {WireNames.States.Listed}."),
            null,
            query.Text("batch"),
            query.Text("tag"),
            Address(query.Text("to")),
            query.Value("priority", WireNames.ParsePriority, WireNames.PriorityRule),
            query.Time("created_after"),
            query.Time("created_before")
        );
        var limit = query.Limit();
        var before = query.CursorNumber("messages");
        if (query.Refusal is { } refusal)
            return refusal;

        if (name is not null)
        {
            // An account or pool that is not there has no messages; its name is not a mistake of the request.
            if (accounts.Directory.Find(tenant ?? Caller.Of(http).Tenant, name) is not { } account)
                return Page(http, new([], null));
            filter = filter with { Account = account.Key };
        }

        if (poolName is not null)
        {
            if (accounts.Directory.Pools.Find(tenant ?? Caller.Of(http).Tenant, poolName) is not { } pool)
                return Page(http, new([], null));
            filter = filter with { Pool = pool.Key };
        }

        return Page(http, await turns.RunAsync(http, () => queries.ListAsync(filter, limit, before)));
    }

    // As it is stored: an international domain as A-labels.
    internal static string? Address(string? written) =>
        written is not null && Addresses.ReadBare(written, out var mailbox) is null ? mailbox.Address : written;

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
