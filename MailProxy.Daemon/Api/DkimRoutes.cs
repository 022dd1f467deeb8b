using System.Globalization;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;

namespace MailProxy.Daemon.Api;

/// <summary>An account's DKIM keys: made here, published by a person, then activated. Changes act at once.</summary>
internal sealed class DkimRoutes(ConfigurationWriter<SmtpAccount> writer, ConfigurationBody bodies, Quotas quotas, TimeProvider clock)
{
    // Enough for many domains with two keys each and their successors; all of them stand in one row.
    private const int MostKeys = 100;

    public void Map(RouteGroupBuilder v1)
    {
        v1.MapPost("/accounts/{id}/dkim", Post)
            .WithName("createDkimKey")
            .WithSummary("Make a DKIM key, or one of each algorithm, and say what to put into DNS")
            .WithTags("Accounts")
            .Needs(KeyScopes.Manage)
            .Accepts<DkimKeyRequest>("application/json")
            .Produces<DkimKeyList>(StatusCodes.Status201Created);
        v1.MapGet("/accounts/{id}/dkim", List)
            .WithName("listDkimKeys")
            .WithSummary("The DKIM keys of an account, with their DNS records")
            .WithTags("Accounts")
            .Needs(KeyScopes.Read)
            .Produces<DkimKeyList>();
        v1.MapPost("/accounts/{id}/dkim/{selector}/activate", Activate)
            .WithName("activateDkimKey")
            .WithSummary("Sign with a key; the one of its domain and algorithm before it is retired")
            .WithTags("Accounts")
            .Needs(KeyScopes.Manage)
            .Produces<DkimKeyAnswer>();
        v1.MapDelete("/accounts/{id}/dkim/{selector}", Delete)
            .WithName("deleteDkimKey")
            .WithSummary("Delete a DKIM key")
            .WithTags("Accounts")
            .Needs(KeyScopes.Manage)
            .Produces(StatusCodes.Status204NoContent);
    }

    private IResult List(HttpContext http, string id) =>
        writer.Snapshot.Find(Caller.Of(http).Tenant, id)?.Value is { } account
            ? TypedResults.Json(new([.. account.DkimKeys.Select(Answer)]), ApiJson.Plain.DkimKeyList)
            : ProblemAnswer.NotFound("account");

    private async Task<IResult> Post(HttpContext http, string id)
    {
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return refusal;
        var caller = Caller.Of(http);
        if (writer.Snapshot.Find(caller.Tenant, id)?.Value is null)
            return ProblemAnswer.NotFound("account");
        var members = new MemberReader(body.Root, caller.IsAdmin);
        var (domain, wanted, algorithms) = DkimKeyFields.Asked(members);
        if (members.Refusal is { } mistakes)
            return mistakes;

        // Making one takes a processor for a while.
        using var turn = quotas.TryTest(caller);
        if (turn is null)
            return Quotas.TooManyTests;
        var now = clock.GetUtcNow();
        ManagedDkimKey Make(DkimAlgorithm algorithm) =>
            DkimKeyMaker.Make(domain, DkimKeyFields.Algorithms.Of(algorithm), algorithm, now.ToUnixTimeMilliseconds());
        var made = await Task.Run(() => algorithms.Select(Make).ToArray(), http.RequestAborted);

        ManagedDkimKey[] named = [];
        var (result, problem) = await ChangeAsync(
            http,
            id,
            "dkim_create",
            account =>
            {
                named = Named(account, made, wanted, now);
                if (named.Any(key => DkimKeyChanges.Find(account, key.Key.Selector) is not null))
                    return (
                        null,
                        ProblemAnswer.Of(409, "selector_taken", "The account has a key of this selector: take another, or delete that one.")
                    );
                if (account.DkimKeys.Count + named.Length > MostKeys)
                    return (
                        null,
                        ProblemAnswer.Of(422, "quota_exceeded", $"An account has at most {MostKeys} DKIM keys: delete old ones.")
                    );
                return (account with { DkimKeys = [.. account.DkimKeys, .. named] }, null);
            }
        );
        return result is null
            ? problem!
            : TypedResults.Json(new([.. named.Select(Answer)]), ApiJson.Plain.DkimKeyList, statusCode: StatusCodes.Status201Created);
    }

    private async Task<IResult> Activate(HttpContext http, string id, string selector)
    {
        var (account, problem) = await ChangeAsync(
            http,
            id,
            "dkim_activate",
            before => (DkimKeyChanges.Activated(before, selector), NoKey)
        );
        return account is null ? problem! : TypedResults.Json(Answer(DkimKeyChanges.Find(account, selector)!), ApiJson.Plain.DkimKeyAnswer);
    }

    private async Task<IResult> Delete(HttpContext http, string id, string selector)
    {
        var (account, problem) = await ChangeAsync(http, id, "dkim_delete", before => (DkimKeyChanges.Without(before, selector), NoKey));
        return account is null ? problem! : TypedResults.NoContent();
    }

    private static ProblemAnswer NoKey => ProblemAnswer.NotFound("DKIM key");

    /// <summary>The account as it is then, or why nothing was changed.</summary>
    private async Task<(SmtpAccount? Account, ProblemAnswer? Problem)> ChangeAsync(
        HttpContext http,
        string id,
        string action,
        Func<SmtpAccount, (SmtpAccount? After, ProblemAnswer? Problem)> change
    )
    {
        var caller = Caller.Of(http);
        ProblemAnswer? problem = ProblemAnswer.NotFound("account");
        ValueTask<SmtpAccount?> Decide(Resource<SmtpAccount>? before)
        {
            if (before?.Value is not { } account)
                return default;
            (var after, problem) = change(account);
            return new(after);
        }

        var written = await writer.PutAsync(caller.Tenant, id, static _ => true, Decide, caller.Actor, http.RequestAborted, action);
        return written.Result is WriteResult.Replaced or WriteResult.Unchanged
            ? (written.After?.Value, null)
            : (null, problem ?? Preconditions.Failed);
    }

    // A selector that nobody named has the date in it, and a letter when that day had one before.
    private static ManagedDkimKey[] Named(SmtpAccount account, ManagedDkimKey[] made, string? wanted, DateTimeOffset now)
    {
        ManagedDkimKey[] Under(string name) =>
            [
                .. made.Select(key =>
                    key with
                    {
                        Key = new(key.Key.Domain, made.Length > 1 ? $"{name}-{key.Key.Selector}" : name, key.Key.PrivateKey),
                    }
                ),
            ];
        if (wanted is not null)
            return Under(wanted);
        var date = now.UtcDateTime.ToString("'mp'yyyyMMdd", CultureInfo.InvariantCulture);
        for (var again = 0; ; again++)
        {
            var named = Under(again == 0 ? date : $"{date}-{again}");
            if (named.All(key => DkimKeyChanges.Find(account, key.Key.Selector) is null))
                return named;
        }
    }

    private static DkimKeyAnswer Answer(ManagedDkimKey key) =>
        new(
            key.Key.Domain,
            key.Key.Selector,
            DkimKeyFields.Algorithms.Of(key.Algorithm),
            DkimKeyFields.States.Of(key.State),
            Times.Utc(key.CreatedAt),
            new(key.RecordName, "TXT", key.RecordValue, key.RecordStrings)
        );
}
