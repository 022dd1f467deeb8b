using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Daemon.Api;

/// <summary>SMTP accounts. Changes act at once.</summary>
internal sealed class AccountRoutes(
    AccountChanges changes,
    CurrentAccounts accounts,
    AccountAnswers answers,
    ConfigurationBody bodies,
    ConfigurationTurn turn,
    Wake wake,
    AccountTest test,
    Quotas quotas,
    OperatorLog told
)
{
    public void Map(RouteGroupBuilder v1)
    {
        v1.MapGet("/accounts", (Delegate)List)
            .WithName("listAccounts")
            .WithSummary("List SMTP accounts")
            .WithTags("Accounts")
            .Needs(KeyScopes.Read)
            .Query("tenant", "limit", "cursor")
            .Produces<AccountList>();
        v1.MapGet("/accounts/{id}", Get)
            .WithName("getAccount")
            .WithSummary("One SMTP account; secrets never come out")
            .WithTags("Accounts")
            .Needs(KeyScopes.Read)
            .Produces<AccountAnswer>();
        v1.MapPut("/accounts/{id}", Put)
            .WithName("putAccount")
            .WithSummary("Create or replace an SMTP account, all but its secrets")
            .WithTags("Accounts")
            .Needs(KeyScopes.Manage)
            .Accepts<AccountRequest>("application/json")
            .Produces<AccountAnswer>()
            .Produces<AccountAnswer>(StatusCodes.Status201Created);
        v1.MapDelete("/accounts/{id}", Delete)
            .WithName("deleteAccount")
            .WithSummary("Delete an SMTP account that has no unfinished mail")
            .WithTags("Accounts")
            .Needs(KeyScopes.Manage)
            .Produces(StatusCodes.Status204NoContent);
        v1.MapPost("/accounts/{id}/pause", Pause)
            .WithName("pauseAccount")
            .WithSummary("Let its mail wait")
            .WithTags("Accounts")
            .Needs(KeyScopes.Manage)
            .Produces<AccountAnswer>();
        v1.MapPost("/accounts/{id}/resume", Resume)
            .WithName("resumeAccount")
            .WithSummary("Send again, without waiting for a back-off")
            .WithTags("Accounts")
            .Needs(KeyScopes.Manage)
            .Produces<AccountAnswer>();
        v1.MapPost("/accounts/{id}/test", Test)
            .WithName("testAccount")
            .WithSummary("Connect and authenticate without sending")
            .WithTags("Accounts")
            .Needs(KeyScopes.Manage)
            .Produces<AccountTestAnswer>();
    }

    private IResult List(HttpContext http)
    {
        var query = new QueryReader(http);
        if (!query.Tenant(out var tenant))
            return ProblemAnswer.Of(404, "unknown_tenant", "There is no such tenant.");
        var limit = query.Limit();
        var after = query.CursorText();
        if (query.Refusal is { } refusal)
            return refusal;

        var found = accounts
            .Directory.All.Where(a => tenant is null || a.Tenant == tenant)
            .Select(a => (Account: a, Place: $"{a.Tenant}/{a.Id}"))
            .Where(a => after is null || string.CompareOrdinal(a.Place, after) > 0)
            .OrderBy(a => a.Place, StringComparer.Ordinal)
            .Take(limit + 1)
            .ToArray();
        var page = found.Take(limit).Select(a => answers.Of(a.Account)).ToArray();
        return TypedResults.Json(new(page, found.Length > limit ? Cursor.Write(found[limit - 1].Place) : null), ApiJson.Plain.AccountList);
    }

    private IResult Get(HttpContext http, string id) => Answer(Caller.Of(http).Tenant, id);

    private async Task<IResult> Put(HttpContext http, string id)
    {
        if (!ObjectIds.IsValid(id))
            return ObjectIds.Invalid;
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return refusal;

        var caller = Caller.Of(http);
        using var mine = await turn.TakeAsync(http.RequestAborted);
        var members = new MemberReader(body.Root);
        var existing = accounts.Directory.Find(caller.Tenant, id);
        var account = AccountBinder.Bind(members, caller.Tenant, id, existing, byTenant: !caller.IsAdmin);
        if (members.Refusal is { } mistakes)
            return mistakes;
        if (existing is null && TooMany(caller) is { } full)
            return full;

        var created = await changes.PutAsync(account, caller.Actor);
        Wake(caller.Tenant, id, unpark: true);
        if (created)
            http.Response.Headers.Location = $"/v1/accounts/{id}";
        return Answer(caller.Tenant, id, created ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private async Task<IResult> Delete(HttpContext http, string id)
    {
        var caller = Caller.Of(http);
        using var mine = await turn.TakeAsync(http.RequestAborted);
        switch (await changes.DeleteAsync(caller.Tenant, id, caller.Actor))
        {
            case DeleteResult.Deleted:
                Wake(caller.Tenant, id, unpark: false);
                return TypedResults.NoContent();
            case DeleteResult.InUse:
                return ProblemAnswer.Of(409, "in_use", "The account has unfinished mail. Cancel it, or wait.");
            default:
                return ProblemAnswer.NotFound("account");
        }
    }

    private Task<IResult> Pause(HttpContext http, string id) => SetPausedAsync(http, id, true);

    private Task<IResult> Resume(HttpContext http, string id) => SetPausedAsync(http, id, false);

    private async Task<IResult> Test(HttpContext http, string id)
    {
        var caller = Caller.Of(http);
        if (accounts.Directory.Find(caller.Tenant, id) is not { } account)
            return ProblemAnswer.NotFound("account");
        using var one = quotas.TryTest(caller);
        return one is null
            ? Quotas.TooManyTests
            : TypedResults.Json(await test(account, http.RequestAborted), ApiJson.Plain.AccountTestAnswer);
    }

    private ProblemAnswer? TooMany(Caller caller) =>
        Quotas.Refusal(
            caller,
            accounts.Directory.All.Count(account => account.Tenant == caller.Tenant),
            quotas.Options.MaxAccounts,
            "accounts",
            nameof(TenantOptions.MaxAccounts)
        );

    private async Task<IResult> SetPausedAsync(HttpContext http, string id, bool paused)
    {
        var caller = Caller.Of(http);
        using var mine = await turn.TakeAsync(http.RequestAborted);
        if (!await changes.SetPausedAsync(caller.Tenant, id, paused, caller.Actor))
            return ProblemAnswer.NotFound("account");
        told.Switched(paused, $"The account {caller.Tenant}/{id}", caller.Actor);
        Wake(caller.Tenant, id, unpark: !paused);
        return Answer(caller.Tenant, id);
    }

    private void Wake(string tenant, string id, bool unpark)
    {
        if (unpark && accounts.Directory.Find(tenant, id) is { } account)
            wake.Unpark(account.Key);
        else
            wake.Look();
    }

    private IResult Answer(string tenant, string id, int status = StatusCodes.Status200OK) =>
        accounts.Directory.Find(tenant, id) is { } account
            ? TypedResults.Json(answers.Of(account), ApiJson.Plain.AccountAnswer, statusCode: status)
            : ProblemAnswer.NotFound("account");
}
