using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Keys;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Daemon.Api;

/// <summary>
/// The keys of a tenant, for the holder of the admin key. A new key is valid beside the old ones, so that keys can be rotated; a deleted
/// one is refused at once.
/// </summary>
internal sealed class KeyRoutes(
    IConfigurationStore store,
    ConfigurationWriter<TenantKey> writer,
    CurrentTenants tenants,
    ConfigurationBody bodies,
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
            .Accepts<Asked<TenantKey>>("application/json")
            .Produces<Shown<TenantKey>>(StatusCodes.Status201Created);
        v1.MapGet("/tenants/{id}/keys", List)
            .AdminOnly()
            .WithName("listKeys")
            .WithSummary("The keys of a tenant, without the keys themselves")
            .WithTags("Tenants")
            .Query("limit", "cursor")
            .Produces<Listed<TenantKey>>();
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

        var name = "k" + RandomNumberGenerator.GetHexString(16, lowercase: true);
        var key = "mpt_" + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        ProblemAnswer? refused = null;

        // In the writers' turn, so that no key is made for a tenant that is being deleted.
        ValueTask<TenantKey?> Decide(Resource<TenantKey>? before)
        {
            if (tenants.Directory.Find(id) is null)
            {
                refused = ProblemAnswer.NotFound("tenant");
                return default;
            }

            var empty = KeyFields.Noun.New(id, name) with { Hash = TenantKey.HashOf(key), CreatedAt = Now };
            var members = new MemberReader(body.Root);
            var made = KeyFields.Noun.Fields.Bind(members, empty, null);
            refused = members.Refusal ?? RefusalOfNew(id);
            return new(refused is null ? made : null);
        }

        var written = await writer.PutAsync(id, name, static version => version == 0, Decide, Caller.Of(http).Actor, http.RequestAborted);
        if (written.Result != WriteResult.Created)
            return refused ?? Preconditions.Failed;
        var shown = KeyFields.Noun.Fields.Show(written.After!.Value!, new Dictionary<string, JsonNode?> { ["key"] = key });
        return TypedResults.Json(shown, ApiJson.Plain.JsonObject, statusCode: StatusCodes.Status201Created);
    }

    private ProblemAnswer? RefusalOfNew(string tenant) =>
        writer.Snapshot.All.Count(key => key.Tenant == tenant) < quotas.MaxKeys
            ? null
            : ProblemAnswer.Of(
                422,
                "quota_exceeded",
                $"A tenant has at most {quotas.MaxKeys} keys (Tenants:MaxKeys); delete those that are not used."
            );

    // From the store and not from the snapshot, which does not know when keys were used since it was read.
    private async Task<IResult> List(HttpContext http, string id)
    {
        var query = new QueryReader(http);
        var limit = query.Limit();
        var after = query.CursorText();
        if (query.Refusal is { } refusal)
            return refusal;
        if (tenants.Directory.Find(id) is null)
            return ProblemAnswer.NotFound("tenant");

        var found = (await store.ReadAsync(KeyFields.Noun))
            .Where(key => key.Tenant == id && (after is null || string.CompareOrdinal(key.Id, after) > 0))
            .OrderBy(static key => key.Id, StringComparer.Ordinal)
            .Take(limit + 1)
            .ToArray();
        var page = new JsonArray([.. found.Take(limit).Select(static key => (JsonNode)KeyFields.Noun.Fields.Show(key.Value!))]);
        var next = found.Length > limit ? Cursor.Write(found[limit - 1].Id) : null;
        return TypedResults.Json(new() { ["data"] = page, ["next_cursor"] = next }, ApiJson.Plain.JsonObject);
    }

    private async Task<IResult> Delete(HttpContext http, string id, string key)
    {
        var actor = Caller.Of(http).Actor;
        var result = await writer.DeleteAsync(id, key, static _ => true, static _ => true, actor, http.RequestAborted);
        return result == DeleteResult.Deleted ? TypedResults.NoContent() : ProblemAnswer.NotFound("key");
    }

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();
}
