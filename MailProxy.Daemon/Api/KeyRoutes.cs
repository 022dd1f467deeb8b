using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Daemon.Api;

/// <summary>
/// The keys of a tenant, for the holder of the admin key. A new key is valid beside the old ones, so that keys can be rotated; a deleted
/// one is refused at once.
/// </summary>
internal sealed class KeyRoutes(
    IKeyStore store,
    KeyChanges changes,
    CurrentTenants tenants,
    ConfigurationBody bodies,
    ConfigurationTurn turn,
    TimeProvider clock,
    TenantOptions quotas
)
{
    public void Map(RouteGroupBuilder v1)
    {
        v1.MapPost("/tenants/{id}/keys", Post)
            .AdminOnly()
            .WithName("createKey")
            .WithSummary("Make a key for a tenant; it is shown once")
            .WithTags("Tenants")
            .Accepts<KeyRequest>("application/json")
            .Produces<KeyAnswer>(StatusCodes.Status201Created);
        v1.MapGet("/tenants/{id}/keys", List)
            .AdminOnly()
            .WithName("listKeys")
            .WithSummary("The keys of a tenant, without the keys themselves")
            .WithTags("Tenants")
            .Query("limit", "cursor")
            .Produces<KeyList>();
        v1.MapDelete("/tenants/{id}/keys/{key}", Delete)
            .AdminOnly()
            .WithName("deleteKey")
            .WithSummary("Refuse a key from now on")
            .WithTags("Tenants")
            .Produces(StatusCodes.Status204NoContent);
    }

    private async Task<IResult> Post(HttpContext http, string id)
    {
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return refusal;

        using var mine = await turn.TakeAsync(http.RequestAborted);
        if (tenants.Directory.Find(id) is null)
            return ProblemAnswer.NotFound("tenant");
        var members = new MemberReader(body.Root);
        var (stored, key) = KeyBinder.Bind(members, id, clock.GetUtcNow().ToUnixTimeMilliseconds());
        if (members.Refusal is { } mistakes)
            return mistakes;
        if ((await store.KeysAsync()).Count(k => k.Tenant == id) >= quotas.MaxKeys)
            return ProblemAnswer.Of(
                422,
                "quota_exceeded",
                $"A tenant has at most {quotas.MaxKeys} keys (Tenants:MaxKeys); delete those that are not used."
            );

        await changes.CreateAsync(stored, Caller.Of(http).Actor);
        return TypedResults.Json(Of(stored, key), ApiJson.Plain.KeyAnswer, statusCode: StatusCodes.Status201Created);
    }

    private async Task<IResult> List(HttpContext http, string id)
    {
        var query = new QueryReader(http);
        var limit = query.Limit();
        var after = query.CursorText();
        if (query.Refusal is { } refusal)
            return refusal;
        if (tenants.Directory.Find(id) is null)
            return ProblemAnswer.NotFound("tenant");

        var found = (await store.KeysAsync())
            .Where(k => k.Tenant == id && (after is null || string.CompareOrdinal(k.Id, after) > 0))
            .OrderBy(k => k.Id, StringComparer.Ordinal)
            .Take(limit + 1)
            .ToArray();
        var page = found.Take(limit).Select(k => Of(k, null)).ToArray();
        return TypedResults.Json(new(page, found.Length > limit ? Cursor.Write(found[limit - 1].Id) : null), ApiJson.Plain.KeyList);
    }

    private async Task<IResult> Delete(HttpContext http, string id, string key)
    {
        using var mine = await turn.TakeAsync(http.RequestAborted);
        return await changes.DeleteAsync(id, key, Caller.Of(http).Actor) ? TypedResults.NoContent() : ProblemAnswer.NotFound("key");
    }

    private static KeyAnswer Of(TenantKey stored, string? key) =>
        new(
            stored.Id,
            stored.Tenant,
            stored.Name,
            stored.Scopes.Names(),
            [.. stored.AllowedNetworks.Select(network => network.ToString())],
            Times.Utc(stored.CreatedAt),
            Times.Utc(stored.ExpiresAt),
            Times.Utc(stored.LastUsedAt),
            key
        );
}
