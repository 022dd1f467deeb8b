using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Daemon.Genro;

/// <summary>
/// Writes volumes for clients of genro-mail-proxy: for a tenant's large files one of a fixed id, made of a <c>storage_url</c>, and those
/// that its older and its newest clients name.
/// </summary>
internal sealed class GenroVolume(ConfigurationWriter<Volume> writer, IsProtectedRoot isProtected, Quotas quotas)
{
    public const string Id = "genro_files";

    public const string UsualRegion = "us-east-1";

    private const string NoPlace = "Input should be s3://bucket/prefix or file:///directory";

    /// <summary>The volumes of a tenant, by id.</summary>
    public IEnumerable<Volume> Of(string tenant) =>
        writer.Snapshot.Values.Where(volume => volume.Tenant == tenant).OrderBy(static volume => volume.Id, StringComparer.Ordinal);

    public Volume? Find(string tenant, string id) => writer.Snapshot.Find(tenant, id)?.Value;

    /// <param name="probeOnly">Only says what is wrong.</param>
    public async Task<GenroRefusal?> PutAsync(Caller caller, string tenant, string url, bool probeOnly, CancellationToken cancel)
    {
        static GenroRefusal Wrong(string message) => GenroRefusal.Wrong("value_error", message, "body", "large_file_config", "storage_url");
        return Config(url) is { } config
            ? await PutAsync(caller, tenant, Id, config, probeOnly, cancel) is { } fault
                ? Wrong(fault)
                : null
            : Wrong(NoPlace);
    }

    /// <summary>Makes or replaces one. Returns what is wrong, in words.</summary>
    /// <param name="config">As this program's own contract has it.</param>
    public async Task<string?> PutAsync(
        Caller caller,
        string tenant,
        string id,
        JsonObject config,
        bool probeOnly,
        CancellationToken cancel
    )
    {
        string? fault = null;
        Volume? Decide(Resource<Volume>? before)
        {
            (var volume, fault) = Read(config, tenant, id, before?.Value, caller.IsAdmin, isProtected);
            fault ??= before is null && id != Id ? TooMany(caller, tenant) : null;
            return fault is not null ? null
                : volume == before?.Value ? before!.Value
                : volume;
        }

        if (probeOnly)
            _ = Decide(writer.Snapshot.Find(tenant, id));
        else
            await writer.PutAsync(tenant, id, static _ => true, before => new(Decide(before)), caller.Actor, cancel);
        return fault;
    }

    public Task<DeleteResult> DeleteAsync(Caller caller, string tenant, string id, CancellationToken cancel) =>
        writer.DeleteAsync(tenant, id, static _ => true, static _ => true, caller.Actor, cancel);

    private string? TooMany(Caller caller, string tenant)
    {
        var full = Quotas.Refusal(caller, Of(tenant).Count(), quotas.Options.MaxVolumes, "volumes", nameof(TenantOptions.MaxVolumes));
        return full?.Problem.Detail;
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
            return (null, NoPlace);
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
}
