using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;

namespace MailProxy.Daemon.Genro;

/// <summary>Where a tenant's large files are put: a volume of this id, made of a <c>storage_url</c>.</summary>
internal sealed class GenroVolume(ConfigurationWriter<Volume> writer, IsProtectedRoot isProtected)
{
    public const string Id = "genro_files";

    private const string UsualRegion = "us-east-1";

    /// <param name="probeOnly">Only says what is wrong.</param>
    public async Task<GenroRefusal?> PutAsync(Caller caller, string tenant, string url, bool probeOnly, CancellationToken cancel)
    {
        GenroRefusal? refusal = null;
        Volume? Decide(Resource<Volume>? before)
        {
            var (volume, fault) = Read(Config(url), tenant, Id, before?.Value, caller.IsAdmin, isProtected);
            refusal = fault is null ? null : Wrong(fault);
            return volume == before?.Value ? before?.Value : volume;
        }

        if (probeOnly)
            _ = Decide(writer.Snapshot.Find(tenant, Id));
        else
            await writer.PutAsync(tenant, Id, static _ => true, before => new(Decide(before)), caller.Actor, cancel);
        return refusal;
    }

    /// <summary>A volume of what this program's own contract says of one, or why there is none.</summary>
    /// <param name="config">Null: nothing that it can be made of.</param>
    public static (Volume? Volume, string? Fault) Read(
        JsonObject? config,
        string tenant,
        string id,
        Volume? before,
        bool isAdmin,
        IsProtectedRoot isProtected
    )
    {
        if (config is null)
            return (null, "Input should be s3://bucket/prefix or file:///directory");
        using var request = JsonDocument.Parse(config.ToJsonString());
        var members = new MemberReader(request.RootElement, isAdmin);
        var volume = VolumeFields.Noun.Fields.Bind(members, VolumeFields.Noun.New(tenant, id), before);
        if (members.Refusal is { } mistakes)
            return (null, mistakes.Problem.Errors[0].Detail);
        return volume.Config is VolumeConfig.Local { Root: var root } && isProtected(root)
            ? (null, "The daemon keeps its own files there")
            : (volume, null);
    }

    /// <summary>What a <c>storage_url</c> says in this program's own contract; null: nothing.</summary>
    public static JsonObject? Config(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var place))
            return null;
        var path = Uri.UnescapeDataString(place.AbsolutePath);
        if (place.Scheme == "file" && place.Host.Length == 0)
            return new()
            {
                ["backend"] = "local",
                ["config"] = new JsonObject { ["root"] = path },
            };
        if (place.Scheme != "s3" || place.Host.Length == 0)
            return null;
        var config = new JsonObject { ["bucket"] = place.Host, ["region"] = UsualRegion };
        if (path.Trim('/') is { Length: > 0 } prefix)
            config["prefix"] = prefix;
        return new() { ["backend"] = "s3", ["config"] = config };
    }

    private static GenroRefusal Wrong(string message) =>
        GenroRefusal.Invalid([new("value_error", ["body", "large_file_config", "storage_url"], message, null)]);
}
