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
        if (Config(url) is not { } config)
            return Wrong("Input should be s3://bucket/prefix or file:///directory");
        using var request = JsonDocument.Parse(config.ToJsonString());
        GenroRefusal? refusal = null;
        Volume? Decide(Resource<Volume>? before)
        {
            var members = new MemberReader(request.RootElement, caller.IsAdmin);
            var volume = VolumeFields.Noun.Fields.Bind(members, VolumeFields.Noun.New(tenant, Id), before?.Value);
            if (members.Refusal is { } mistakes)
                refusal = Wrong(mistakes.Problem.Errors[0].Detail);
            else if (volume.Config is VolumeConfig.Local { Root: var root } && isProtected(root))
                refusal = Wrong("The daemon keeps its own files there");
            return refusal is not null ? null
                : volume == before?.Value ? before!.Value
                : volume;
        }

        if (probeOnly)
            _ = Decide(writer.Snapshot.Find(tenant, Id));
        else
            await writer.PutAsync(tenant, Id, static _ => true, before => new(Decide(before)), caller.Actor, cancel);
        return refusal;
    }

    private static JsonObject? Config(string url)
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
