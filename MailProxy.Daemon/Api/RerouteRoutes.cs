using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Another account or pool for messages that wait: for one, or for all that a filter names.</summary>
internal sealed class RerouteRoutes(
    IMessageQueries queries,
    CurrentAccounts accounts,
    MessageFilters filters,
    MessageChanges changes,
    RerouteTargets targets,
    ConfigurationBody bodies,
    ReadTurns turns
)
{
    /// <summary>Messages that one request looks at, at most.</summary>
    private const int Most = 1_000;

    private const int Page = 100;
    private const string List = "reroute";

    private static readonly ProblemAnswer NotAllowed = ProblemAnswer.Of(
        422,
        "from_not_allowed",
        "No account there may send from the message's From address."
    );

    public void Map(RouteGroupBuilder v1)
    {
        v1.MapPost("/messages/{id}/reroute", One)
            .WithName("rerouteMessage")
            .WithSummary("Send it by another account or pool")
            .WithTags("Messages")
            .Needs(KeyScopes.Send)
            .Accepts<RerouteRequest>("application/json")
            .Produces<MessageAnswer>();
        v1.MapPost("/messages/reroute", (Delegate)Many)
            .WithName("rerouteMessages")
            .WithSummary("Send all that a filter names by another account or pool")
            .WithTags("Messages")
            .Needs(KeyScopes.Send)
            .Query([.. MessageFilters.Names, "cursor"])
            .Accepts<RerouteRequest>("application/json")
            .Produces<RerouteAnswer>();
    }

    private async Task<IResult> One(HttpContext http, string id)
    {
        var (target, refusal) = await TargetAsync(http);
        if (refusal is not null)
            return refusal;
        var key = new MessageKey(Caller.Of(http).Tenant, id);
        if (await queries.GetAsync(key) is null)
            return ProblemAnswer.NotFound("message");
        return await targets.ChangeAsync(key, target) is { } change ? await changes.AnswerAsync(http, id, change) : NotAllowed;
    }

    private async Task<IResult> Many(HttpContext http)
    {
        var caller = Caller.Of(http);
        var query = new QueryReader(http);
        var filter = filters.Read(http, query, caller.Tenant);
        var before = query.CursorNumber(List);
        if (query.Refusal is { } mistakes)
            return mistakes;
        var (target, refusal) = await TargetAsync(http);
        if (refusal is not null)
            return refusal;

        var (moved, refused, looked) = (0, 0, 0);
        do
        {
            var page = await turns.RunAsync(http, () => queries.ListAsync(filter, Page, before));
            foreach (var view in page.Messages.Where(view => !view.State.IsFinal() && !target.IsOf(view)))
            {
                if (
                    await targets.MayChangeAsync(view.Key, target) is { } change
                    && await changes.MakeAsync(view.Key, change, caller.Actor) is ChangeResult.Done
                )
                    moved++;
                else
                    refused++;
            }

            looked += page.Scanned ?? page.Messages.Count;
            before = page.Next;
        } while (before is not null && looked < Most && !http.RequestAborted.IsCancellationRequested);
        return Answer(http, moved, refused, before);
    }

    private static IResult Answer(HttpContext http, int moved, int refused, long? next) =>
        TypedResults.Json(new(moved, refused, next is { } number ? Cursor.Write(http, List, number) : null), ApiJson.Plain.RerouteAnswer);

    private async ValueTask<(RerouteTarget Target, IResult? Refusal)> TargetAsync(HttpContext http)
    {
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return (default, refusal);
        var (tenant, directory) = (Caller.Of(http).Tenant, accounts.Directory);
        var members = new MemberReader(body.Root);
        var (account, pool) = (members.Text("account", 63), members.Text("pool", 63));
        var target = new RerouteTarget(
            account is null ? null : directory.Find(tenant, account),
            pool is null ? null : directory.Pools.Find(tenant, pool)
        );
        if ((account is null) == (pool is null))
            members.Fault("account", "required", "Name an account or a pool, exactly one of the two.");
        else if (account is not null && target.Account is null)
            members.Fault("account", "unknown_account", "There is no such account.");
        else if (pool is not null && target.Pool is null)
            members.Fault("pool", "unknown_pool", "There is no such pool.");
        members.Close();
        return (target, members.Refusal);
    }
}
