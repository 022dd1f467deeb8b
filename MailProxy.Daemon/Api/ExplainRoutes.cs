using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Why mail is where it is: of a message, of an account, and of whatever is found by a recipient, an id or a Message-ID.</summary>
internal sealed class ExplainRoutes(
    IMessageQueries queries,
    Explanations explanations,
    CurrentAccounts accounts,
    ReadTurns turns,
    AnswerMemory memory
)
{
    /// <summary>Each message that is found is explained, which reads its lane.</summary>
    private const int MostFound = 50;

    private const string OneOf = "Exactly one of address, id and message_id is needed.";

    public void Map(RouteGroupBuilder v1)
    {
        v1.MapGet("/messages/{id}/explain", Message)
            .WithName("explainMessage")
            .WithSummary("Why a message is where it is, and what happens next")
            .WithTags("Explain")
            .Needs(KeyScopes.Read)
            .Produces<ExplainAnswer>();
        v1.MapGet("/accounts/{id}/explain", Account)
            .WithName("explainAccount")
            .WithSummary("Why an account's mail waits, or that it does not")
            .WithTags("Explain")
            .Needs(KeyScopes.Read)
            .Produces<AccountExplainAnswer>();
        v1.MapGet("/pools/{id}/explain", Pool)
            .WithName("explainPool")
            .WithSummary("Why a pool's mail waits, and how each of its accounts stands")
            .WithTags("Explain")
            .Needs(KeyScopes.Read)
            .Produces<PoolExplainAnswer>();
        v1.MapGet("/where", (Delegate)Where)
            .WithName("whereIsMail")
            .WithSummary("Find mail by recipient, by your id or by Message-ID, and explain each")
            .WithTags("Explain")
            .Needs(KeyScopes.Read)
            .Query("address", "id", "message_id", "tenant", "limit", "cursor")
            .Produces<WhereList>();
    }

    private async Task<IResult> Message(HttpContext http, string id) =>
        await queries.GetAsync(new(Caller.Of(http).Tenant, id)) is { } view
            ? TypedResults.Json(await explanations.OfAsync(view), ApiJson.Plain.ExplainAnswer)
            : ProblemAnswer.NotFound("message");

    private IResult Account(HttpContext http, string id) =>
        accounts.Directory.Find(Caller.Of(http).Tenant, id) is { } account
            ? TypedResults.Json(explanations.Of(account), ApiJson.Plain.AccountExplainAnswer)
            : ProblemAnswer.NotFound("account");

    private IResult Pool(HttpContext http, string id) =>
        accounts.Directory.Pools.Find(Caller.Of(http).Tenant, id) is { } pool
            ? TypedResults.Json(explanations.Of(pool), ApiJson.Plain.PoolExplainAnswer)
            : ProblemAnswer.NotFound("pool");

    private async Task<IResult> Where(HttpContext http)
    {
        var query = new QueryReader(http);
        if (!query.Tenant(out var tenant))
            return ProblemAnswer.Of(404, "unknown_tenant", "There is no such tenant.");
        var (address, id, messageId) = (query.Text("address"), query.Text("id"), query.Text("message_id"));
        string?[] given = [address, id, messageId];
        if (query.Refusal is null && given.Count(static text => text is not null) != 1)
            query.Fault("address", OneOf);
        var limit = Math.Min(query.Limit(), MostFound);
        var before = query.CursorNumber("where");
        if (query.Refusal is { } refusal)
            return refusal;

        var page = await turns.RunAsync(
            http,
            () =>
                address is not null ? queries.ListAsync(new(tenant, To: AsStored(address)), limit, before)
                : id is not null ? ByIdAsync(tenant, id)
                : queries.ByMessageIdAsync(tenant, InBrackets(messageId!), limit, before)
        );
        var found = new List<ExplainAnswer>();
        foreach (var view in page.Messages)
            found.Add(await explanations.OfAsync(view));
        var list = new WhereList(found, page.Next is { } next ? Cursor.Write(http, "where", next) : null, page.Scanned);
        return new BytesAnswer(
            memory,
            JsonSerializer.SerializeToUtf8Bytes(list, ApiJson.Plain.WhereList),
            "application/json; charset=utf-8"
        );
    }

    private async Task<MessagePage> ByIdAsync(string? tenant, string id)
    {
        if (tenant is not null)
            return new(await queries.GetAsync(new(tenant, id)) is { } view ? [view] : [], null);
        var found = new List<MessageView>();
        foreach (var each in accounts.Directory.Tenants.All)
        {
            if (found.Count < MostFound && await queries.GetAsync(new(each.Id, id)) is { } view)
                found.Add(view);
        }

        return new(found, null);
    }

    private static string AsStored(string written) => Addresses.ReadBare(written, out var mailbox) is null ? mailbox.Address : written;

    // As it stands in the header; people copy it without its brackets, too.
    private static string InBrackets(string written) => written.Trim() is ['<', .., '>'] whole ? whole : $"<{written.Trim()}>";
}
