using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using Microsoft.AspNetCore.Http.Features;

namespace MailProxy.Daemon.Api;

/// <summary>Volumes: named stores of files. Changes act at once.</summary>
internal sealed class VolumeRoutes(
    VolumeChanges changes,
    CurrentVolumes volumes,
    ConfigurationBody bodies,
    ConfigurationTurn turn,
    IVolumeProbe probe,
    Quotas quotas,
    IsProtectedRoot isProtected
)
{
    private static readonly ProblemAnswer AdminOnly = ProblemAnswer.Of(
        403,
        "admin_only",
        "The volume is shared with every tenant: only the admin key may change it."
    );

    public void Map(RouteGroupBuilder v1)
    {
        v1.MapGet("/volumes", (Delegate)List)
            .WithName("listVolumes")
            .WithSummary("List volumes, shared ones too")
            .WithTags("Volumes")
            .Needs(KeyScopes.Read)
            .Query("tenant", "limit", "cursor")
            .Produces<VolumeList>();
        v1.MapGet("/volumes/{id}", Get)
            .WithName("getVolume")
            .WithSummary("One volume; secrets never come out")
            .WithTags("Volumes")
            .Needs(KeyScopes.Read)
            .Produces<VolumeAnswer>();
        v1.MapPut("/volumes/{id}", Put)
            .WithName("putVolume")
            .WithSummary("Create or replace a volume, all but its secrets")
            .WithTags("Volumes")
            .Needs(KeyScopes.Manage)
            .Accepts<VolumeRequest>("application/json")
            .Produces<VolumeAnswer>()
            .Produces<VolumeAnswer>(StatusCodes.Status201Created);
        v1.MapDelete("/volumes/{id}", Delete)
            .WithName("deleteVolume")
            .WithSummary("Delete a volume; the files stay where they are")
            .WithTags("Volumes")
            .Needs(KeyScopes.Manage)
            .Produces(StatusCodes.Status204NoContent);
        v1.MapPost("/volumes/{id}/test", Test)
            .WithName("testVolume")
            .WithSummary("Read the volume, or the beginning of one file in it, and say what was seen")
            .WithTags("Volumes")
            .Needs(KeyScopes.Manage)
            .Accepts<VolumeTestRequest>(isOptional: true, "application/json")
            .Produces<VolumeTestAnswer>();
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

        var caller = Caller.Of(http);
        var found = volumes
            .Directory.All.Where(v => tenant is null || v.Tenant == tenant || v.Shared)
            .Select(v => (Volume: v, Place: $"{v.Tenant}/{v.Id}"))
            .Where(v => after is null || string.CompareOrdinal(v.Place, after) > 0)
            .OrderBy(v => v.Place, StringComparer.Ordinal)
            .Take(limit + 1)
            .ToArray();
        var page = found.Take(limit).Select(v => VolumeAnswers.Of(v.Volume, volumes.TroubleOf(v.Volume), caller)).ToArray();
        return TypedResults.Json(new(page, found.Length > limit ? Cursor.Write(found[limit - 1].Place) : null), ApiJson.Plain.VolumeList);
    }

    private IResult Get(HttpContext http, string id) => Answer(Caller.Of(http), id);

    private async Task<IResult> Put(HttpContext http, string id)
    {
        if (!ObjectIds.IsValid(id))
            return ObjectIds.Invalid;
        if (!AttachmentNotation.IsVolumeName(id))
            return ProblemAnswer.Of(422, "reserved_id", "A source that begins with this word is no volume's: choose another id.");
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return refusal;

        var caller = Caller.Of(http);
        using var mine = await turn.TakeAsync(http.RequestAborted);
        var members = new MemberReader(body.Root);
        var existing = volumes.Directory.FindOwn(caller.Tenant, id);
        if (existing is { Shared: true } && !caller.IsAdmin)
            return AdminOnly;
        var volume = VolumeBinder.Bind(members, caller.Tenant, id, existing, caller.IsAdmin);
        if (volume.Config is VolumeConfig.Local { Root: var root } && root.Length > 0 && isProtected(root))
            members.Fault("config/root", "invalid_path", "The daemon keeps its own files there: name another directory.");
        if (volume.Shared && volumes.Directory.FindShared(id) is { } other && other.Tenant != caller.Tenant)
            members.Fault("shared", "taken", $"The tenant {other.Tenant} shares a volume of this id already.");
        if (members.Refusal is { } mistakes)
            return mistakes;
        if (existing is null && TooMany(caller) is { } full)
            return full;

        var created = await changes.PutAsync(volume, caller.Actor);
        if (created)
            http.Response.Headers.Location = $"/v1/volumes/{id}";
        return Answer(caller, id, created ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private async Task<IResult> Delete(HttpContext http, string id)
    {
        var caller = Caller.Of(http);
        using var mine = await turn.TakeAsync(http.RequestAborted);
        if (volumes.Directory.FindOwn(caller.Tenant, id) is { Shared: true } && !caller.IsAdmin)
            return AdminOnly;
        return await changes.DeleteAsync(caller.Tenant, id, caller.Actor) switch
        {
            DeleteResult.Deleted => TypedResults.NoContent(),
            DeleteResult.InUse => ProblemAnswer.Of(
                409,
                "in_use",
                "Mail that was sent links to files in the volume, and their time is not over."
            ),
            _ => ProblemAnswer.NotFound("volume"),
        };
    }

    private async Task<IResult> Test(HttpContext http, string id)
    {
        string? path = null;
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true)
        {
            using var body = await bodies.ReadAsync(http);
            if (body.Refusal is { } refusal)
                return refusal;
            var members = new MemberReader(body.Root);
            path = members.Text("path", 1_024);
            members.Close();
            if (members.Refusal is { } mistakes)
                return mistakes;
        }

        var caller = Caller.Of(http);
        if (volumes.Directory.Find(caller.Tenant, id) is not { } volume)
            return ProblemAnswer.NotFound("volume");
        using var one = quotas.TryTest(caller);
        if (one is null)
            return Quotas.TooManyTests;
        return TypedResults.Json(
            VolumeAnswers.Of(await probe.TestAsync(volume, path, http.RequestAborted)),
            ApiJson.Plain.VolumeTestAnswer
        );
    }

    private ProblemAnswer? TooMany(Caller caller) =>
        Quotas.Refusal(
            caller,
            volumes.Directory.All.Count(volume => volume.Tenant == caller.Tenant),
            quotas.Options.MaxVolumes,
            "volumes",
            nameof(TenantOptions.MaxVolumes)
        );

    private IResult Answer(Caller caller, string id, int status = StatusCodes.Status200OK) =>
        volumes.Directory.Find(caller.Tenant, id) is { } volume
            ? TypedResults.Json(VolumeAnswers.Of(volume, volumes.TroubleOf(volume), caller), ApiJson.Plain.VolumeAnswer, statusCode: status)
            : ProblemAnswer.NotFound("volume");
}
