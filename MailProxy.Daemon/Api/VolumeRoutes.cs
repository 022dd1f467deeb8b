using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using Microsoft.AspNetCore.Http.Features;

namespace MailProxy.Daemon.Api;

/// <summary>Volumes: named stores of files.</summary>
internal sealed class VolumeRoutes(
    ConfigurationWriter<Volume> writer,
    CurrentVolumes volumes,
    ConfigurationBody bodies,
    IVolumeProbe probe,
    Quotas quotas,
    IsProtectedRoot isProtected
) : ResourceRoutes<Volume>(VolumeFields.Noun, writer, bodies)
{
    /// <summary>Most characters of the path of a file to read.</summary>
    public const int LongestPath = 1_024;

    private static readonly ProblemAnswer AdminOnly = ProblemAnswer.Of(
        403,
        "admin_only",
        "The volume is shared with every tenant: only the admin key may change it."
    );

    private readonly ConfigurationWriter<Volume> _writer = writer;
    private readonly ConfigurationBody _bodies = bodies;

    public void Map(RouteGroupBuilder v1)
    {
        Map(
            v1,
            "List volumes, shared ones too",
            "One volume; secrets never come out",
            "Create or replace a volume, all but its secrets",
            "Delete a volume; the files stay where they are"
        );
        v1.MapPost("/volumes/{id}/test", Test)
            .WithName("testVolume")
            .WithSummary("Read the volume, or the beginning of one file in it, and say what was seen")
            .WithTags("Volumes")
            .Needs(KeyScopes.Manage)
            .Accepts<VolumeTestRequest>(isOptional: true, "application/json")
            .Produces<VolumeTestAnswer>();
    }

    protected override string InUse => "Mail that was sent links to files in the volume, and their time is not over.";

    protected override IEnumerable<Resource<Volume>> Visible(string? tenant) =>
        _writer.Snapshot.All.Where(v => tenant is null || v.Tenant == tenant || v.Value is { Shared: true });

    protected override Resource<Volume>? Find(Caller caller, string id) =>
        base.Find(caller, id) ?? (volumes.Directory.FindShared(id) is { } shared ? _writer.Snapshot.Find(shared.Tenant, id) : null);

    protected override ValueTask<JsonObject> ShowAsync(HttpContext http, Volume volume)
    {
        var caller = Caller.Of(http);
        var shown = VolumeFields.Noun.Fields.Show(volume);
        if (!caller.IsAdmin && volume.Tenant != caller.Tenant)
            shown.Remove("config");
        else if (volumes.TroubleOf(volume) is { } trouble)
            (shown["last_error"], shown["last_error_at"]) = (trouble.Error, Times.Utc(trouble.At));
        return new(shown);
    }

    // Whether a volume that cannot be read was shared nobody knows.
    protected override ProblemAnswer? Refusal(Caller caller, Resource<Volume> existing) =>
        existing.Value is { Shared: false } || caller.IsAdmin ? null : AdminOnly;

    protected override ProblemAnswer? Reserved(string id) =>
        AttachmentNotation.IsVolumeName(id)
            ? null
            : ProblemAnswer.Of(422, "reserved_id", "A source that begins with this word is no volume's: choose another id.");

    protected override Volume Bind(MemberReader members, HttpContext http, string id, Volume? existing)
    {
        var volume = base.Bind(members, http, id, existing);
        if (volume.Config is VolumeConfig.Local { Root: var root } && root.Length > 0 && isProtected(root))
            members.Fault("config/root", "invalid_path", "The daemon keeps its own files there: name another directory.");
        if (volume.Shared && volumes.Directory.FindShared(id) is { } other && other.Tenant != volume.Tenant)
            members.Fault("shared", "taken", $"The tenant {other.Tenant} shares a volume of this id already.");
        return volume;
    }

    protected override ValueTask<ProblemAnswer?> RefusalOfNewAsync(Caller caller, string id) =>
        new(
            Quotas.Refusal(
                caller,
                _writer.Snapshot.All.Count(volume => volume.Tenant == caller.Tenant),
                quotas.Options.MaxVolumes,
                "volumes",
                nameof(TenantOptions.MaxVolumes)
            )
        );

    private async Task<IResult> Test(HttpContext http, string id)
    {
        string? path = null;
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true)
        {
            using var body = await _bodies.ReadAsync(http);
            if (body.Refusal is { } refusal)
                return refusal;
            var members = new MemberReader(body.Root);
            path = members.Text("path", LongestPath);
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
        return TypedResults.Json(Of(await probe.TestAsync(volume, path, http.RequestAborted)), ApiJson.Plain.VolumeTestAnswer);
    }

    private static VolumeTestAnswer Of(VolumeTest test) =>
        new(
            test.Ok,
            test.Status,
            test.Code,
            test.Objects,
            test.Objects is null ? null : test.More,
            test.Size,
            test.Error,
            Math.Round(test.Took.TotalMilliseconds, 1)
        );
}
