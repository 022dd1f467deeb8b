using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;

namespace MailProxy.Daemon.Api;

/// <summary>Lists, reads, puts and deletes the resources of a noun. Changes act at once; a noun's own routes stand beside these.</summary>
internal abstract class ResourceRoutes<T>(Noun<T> noun, ConfigurationWriter<T> writer, ConfigurationBody bodies)
    where T : class
{
    private string Collection => noun.Table;

    /// <summary>Why it cannot be deleted while something needs it.</summary>
    protected virtual string InUse => "Something that is not finished needs it.";

    /// <summary>What a list of a tenant has; null: of everybody.</summary>
    protected virtual IEnumerable<Resource<T>> Visible(string? tenant) =>
        writer.Snapshot.All.Where(resource => tenant is null || resource.Tenant == tenant);

    /// <summary>What the caller means by an id.</summary>
    protected virtual Resource<T>? Find(Caller caller, string id) => writer.Snapshot.Find(TenantOf(caller, id), id);

    /// <summary>Adds what is no part of the resource itself.</summary>
    protected virtual ValueTask<JsonObject> ShowAsync(HttpContext http, T value) => new(noun.Fields.Show(value));

    /// <summary>The same as one of a list.</summary>
    protected virtual ValueTask<JsonObject> ShowListedAsync(HttpContext http, T value) => ShowAsync(http, value);

    /// <summary>Why nobody may delete what has this id; null: somebody may.</summary>
    protected virtual ProblemAnswer? Undeletable(string id) => null;

    /// <summary>Why the caller may not change what is there; null: it may.</summary>
    protected virtual ProblemAnswer? Refusal(Caller caller, Resource<T> existing) => null;

    /// <summary>Why nothing may have this id; null: it may.</summary>
    protected virtual ProblemAnswer? Reserved(string id) => null;

    /// <summary>What concerns other resources; mistakes are told to the reader.</summary>
    protected virtual T Bind(MemberReader members, HttpContext http, string id, T? existing) =>
        noun.Fields.Bind(members, noun.New(TenantOf(Caller.Of(http), id), id), existing);

    /// <summary>Why there cannot be one more; null: there can.</summary>
    protected abstract ValueTask<ProblemAnswer?> RefusalOfNewAsync(Caller caller, string id);

    /// <summary>Called after a change; <see cref="Written{T}.After"/> is null after a deletion.</summary>
    protected virtual ValueTask ChangedAsync(Caller caller, Written<T> written) => default;

    /// <summary>Maps the four, with their sentences in the document.</summary>
    protected void Map(RouteGroupBuilder v1, string list, string get, string put, string delete)
    {
        var name = noun.Fields.Name;
        var (read, manage) = noun.IsTenant ? (KeyScopes.None, KeyScopes.None) : (KeyScopes.Read, KeyScopes.Manage);
        v1.MapGet($"/{Collection}", (Delegate)List)
            .WithName($"list{name}s")
            .WithSummary(list)
            .WithTags($"{name}s")
            .Needs(read)
            .Query(noun.IsTenant ? ["limit", "cursor"] : ["tenant", "limit", "cursor"])
            .Produces<Listed<T>>();
        v1.MapGet($"/{Collection}/{{id}}", Get)
            .WithName($"get{name}")
            .WithSummary(get)
            .WithTags($"{name}s")
            .Needs(read)
            .Versioned()
            .Produces<Shown<T>>();
        v1.MapPut($"/{Collection}/{{id}}", Put)
            .WithName($"put{name}")
            .WithSummary(put)
            .WithTags($"{name}s")
            .Needs(manage)
            .Versioned()
            .Accepts<Asked<T>>("application/json")
            .Produces<Shown<T>>()
            .Produces<Shown<T>>(StatusCodes.Status201Created);
        v1.MapDelete($"/{Collection}/{{id}}", Delete)
            .WithName($"delete{name}")
            .WithSummary(delete)
            .WithTags($"{name}s")
            .Needs(manage)
            .Versioned()
            .Produces(StatusCodes.Status204NoContent);
    }

    private async Task<IResult> List(HttpContext http)
    {
        var query = new QueryReader(http);
        string? tenant = null;
        if (!noun.IsTenant && !query.Tenant(out tenant))
            return ProblemAnswer.Of(404, "unknown_tenant", "There is no such tenant.");
        var limit = query.Limit();
        var after = query.CursorText();
        if (query.Refusal is { } refusal)
            return refusal;

        var found = Visible(tenant)
            .Where(static resource => resource.Value is not null)
            .Select(resource => (Resource: resource, Place: noun.IsTenant ? resource.Id : resource.ToString()))
            .Where(found => after is null || string.CompareOrdinal(found.Place, after) > 0)
            .OrderBy(static found => found.Place, StringComparer.Ordinal)
            .Take(limit + 1)
            .ToArray();
        var page = new JsonArray();
        foreach (var (resource, _) in found.Take(limit))
            page.Add((JsonNode)await ShowListedAsync(http, resource.Value!));
        return Json(new() { ["data"] = page, ["next_cursor"] = found.Length > limit ? Cursor.Write(found[limit - 1].Place) : null });
    }

    private Task<IResult> Get(HttpContext http, string id) => AnswerAsync(http, id);

    private async Task<IResult> Put(HttpContext http, string id)
    {
        if (!ObjectIds.IsValid(id))
            return ObjectIds.Invalid;
        if (Reserved(id) is { } reserved)
            return reserved;
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return refusal;

        var caller = Caller.Of(http);
        ProblemAnswer? refused = null;
        async ValueTask<T?> Decide(Resource<T>? before)
        {
            refused = before is null ? null : Refusal(caller, before);
            if (refused is not null)
                return null;
            var members = new MemberReader(body.Root, caller.IsAdmin);
            var value = Bind(members, http, id, before?.Value);
            refused = members.Refusal;
            if (refused is null && before is null)
                refused = await RefusalOfNewAsync(caller, id);
            return refused is null ? value : null;
        }

        var written = await writer.PutAsync(TenantOf(caller, id), id, Preconditions.Of(http), Decide, caller.Actor, http.RequestAborted);
        if (written.Result == WriteResult.Changed)
            return Preconditions.Failed;
        if (written.Result == WriteResult.Refused)
            return refused!;
        await ChangedAsync(caller, written);
        if (written.Result == WriteResult.Replaced)
            return await AnswerAsync(http, id);
        http.Response.Headers.Location = $"/v1/{Collection}/{id}";
        return await AnswerAsync(http, id, StatusCodes.Status201Created);
    }

    private async Task<IResult> Delete(HttpContext http, string id)
    {
        if (Undeletable(id) is { } refusal)
            return refusal;
        var caller = Caller.Of(http);
        Resource<T>? before = null;
        ProblemAnswer? refused = null;
        bool Allowed(Resource<T> found)
        {
            before = found;
            refused = Refusal(caller, found);
            return refused is null;
        }

        var expected = Preconditions.Of(http);
        switch (await writer.DeleteAsync(TenantOf(caller, id), id, expected, Allowed, caller.Actor, http.RequestAborted))
        {
            case DeleteResult.Refused:
                return refused!;
            case DeleteResult.Deleted:
                await ChangedAsync(caller, new(WriteResult.Replaced, before, null));
                return TypedResults.NoContent();
            case DeleteResult.InUse:
                return ProblemAnswer.Of(409, "in_use", InUse);
            case DeleteResult.Changed:
                return Preconditions.Failed;
            default:
                return ProblemAnswer.NotFound(noun.Name);
        }
    }

    /// <summary>Changes what is there by an action of its own, and answers what there is then.</summary>
    /// <param name="action">As the audit log calls it.</param>
    /// <param name="change">What is there itself: nothing is to be changed.</param>
    protected Task<IResult> ActAsync(HttpContext http, string id, string action, Func<T, T> change) =>
        ActAsync(http, id, action, value => new ValueTask<T>(change(value)));

    /// <summary>As the other, where the change depends on more than the resource itself.</summary>
    protected async Task<IResult> ActAsync(HttpContext http, string id, string action, Func<T, ValueTask<T>> change)
    {
        var caller = Caller.Of(http);
        var damaged = false;
        async ValueTask<T?> Decide(Resource<T>? before)
        {
            damaged = before is { Value: null };
            return before?.Value is { } value ? await change(value) : null;
        }

        var expected = Preconditions.Of(http);
        var written = await writer.PutAsync(TenantOf(caller, id), id, expected, Decide, caller.Actor, http.RequestAborted, action);
        if (written.Result == WriteResult.Changed)
            return Preconditions.Failed;
        if (written.Result == WriteResult.Refused)
            return damaged ? Damaged : ProblemAnswer.NotFound(noun.Name);
        await ChangedAsync(caller, written);
        return await AnswerAsync(http, id);
    }

    /// <summary>The resource as it is now, with its ETag.</summary>
    protected async Task<IResult> AnswerAsync(HttpContext http, string id, int status = StatusCodes.Status200OK)
    {
        if (Find(Caller.Of(http), id) is not { } resource)
            return ProblemAnswer.NotFound(noun.Name);
        http.Response.Headers.ETag = Preconditions.Tag(http, resource.Version);
        return resource.Value is { } value ? Json(await ShowAsync(http, value), status) : Damaged;
    }

    /// <summary>What is there cannot be read.</summary>
    protected ProblemAnswer Damaged =>
        ProblemAnswer.Of(500, "resource_damaged", $"The stored {noun.Name} cannot be read. Put it again, or delete it.");

    private string TenantOf(Caller caller, string id) => noun.IsTenant ? id : caller.Tenant;

    private static IResult Json(JsonObject json, int status = StatusCodes.Status200OK) =>
        TypedResults.Json(json, ApiJson.Plain.JsonObject, statusCode: status);
}

// What stands in the document for a resource as it is answered and as it is put, and for a page of them.
public sealed record Shown<T>;

public sealed record Asked<T>;

public sealed record Listed<T>(
    IReadOnlyList<Shown<T>> Data,
    [property: System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.Never)]
        string? NextCursor
);
