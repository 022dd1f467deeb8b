using System.Text.Json.Nodes;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Storage.Sqlite;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>Takes over volumes: those of a version without tenants, and the storages of 0.7.0.</summary>
internal sealed class VolumeImport(ImportScope scope)
{
    private const int LongestColumn = 65_536;

    private const string UsualRegion = "us-east-1";

    private readonly HashSet<(string, string)> _there = [.. scope.Store.All(VolumeFields.Noun).Select(static one => (one.Tenant, one.Id))];

    public void Run()
    {
        foreach (var row in scope.Old.Rows("volumes", ["name", "backend", "config", "account_id"], LongestColumn))
        {
            Take(scope.UsualTenant, row);
            if (!row.IsNull(3))
                scope.Tally.Note($"The volume {row.Text(0)} was one account's; here all of the tenant's mail may name it.");
        }

        foreach (var row in scope.Old.Rows("storages", ["name", "protocol", "config", "tenant_id"], LongestColumn))
            Take(row.Text(3) ?? "", row);
    }

    private void Take(string tenant, ForeignRow row)
    {
        var (id, backend) = (row.Text(0) ?? "", row.Text(1) ?? "");
        var name = $"{tenant}/{id}";
        if (!scope.Wants(tenant))
            return;
        var why =
            !IdSyntax.IsObjectId(id) ? $"its name is none here: {IdSyntax.ObjectRule}"
            : !scope.Tenants.ContainsKey(tenant) ? "its tenant is not there, or was left out"
            : scope.Volumes.Contains((tenant, id)) ? "it is there twice"
            : null;
        if (why is null && _there.Contains((tenant, id)))
        {
            scope.IsThere("volume", name);
            scope.Volumes.Add((tenant, id));
            return;
        }

        if (why is null)
        {
            var config = OldValues.ObjectIn(scope.Secrets.Open(row.Text(2), $"volume {name}"));
            why = config is null ? "its config is no JSON object" : Make(tenant, id, backend, config);
        }

        if (why is not null)
            scope.Tally.LeaveOut("volume", name, why);
    }

    private string? Make(string tenant, string id, string backend, JsonObject config)
    {
        var request = backend.ToLowerInvariant() switch
        {
            "local" or "file" => Local(config),
            "s3" => S3(config),
            "http" or "webdav" => Http(config),
            _ => null,
        };
        if (request is null)
            return $"there are no volumes of the kind '{OldValues.Cut(backend, 50)}'";
        var (volume, fault) = GenroVolume.Read(request, tenant, id, null, isAdmin: true, scope.IsProtected);
        if (volume is null)
            return fault;
        scope.Store.Put(VolumeFields.Noun, tenant, id, volume);
        scope.Volumes.Add((tenant, id));
        scope.Tally.Add("volumes");
        if (volume.Config is VolumeConfig.S3 { Endpoint: { } endpoint })
            scope.Tally.Hosts.Add(endpoint.Host);
        if (volume.Config is VolumeConfig.Http { BaseUrl: { } url })
            scope.Tally.Hosts.Add(url.Host);
        return null;
    }

    private static JsonObject Local(JsonObject config) => Volume("local", ("root", Any(config, "path", "base_path", "root")));

    private static JsonObject S3(JsonObject config)
    {
        var endpoint = Any(config, "endpoint_url", "endpoint");
        return Volume(
            "s3",
            ("bucket", Any(config, "bucket")),
            ("prefix", Any(config, "prefix", "base_path")?.Trim('/') is { Length: > 0 } prefix ? prefix : null),
            ("region", Any(config, "region", "region_name", "aws_region") ?? UsualRegion),
            ("endpoint", endpoint),
            ("access_key", Any(config, "aws_access_key_id", "access_key", "key", "aws_access_key")),
            ("secret_key", Any(config, "aws_secret_access_key", "secret_key", "secret", "aws_secret_key"))
        );
    }

    private static JsonObject Http(JsonObject config)
    {
        var volume = Volume("http", ("base_url", Any(config, "base_url", "url")));
        if (Any(config, "user", "username") is { Length: > 0 } user)
            volume["config"]!["auth"] = new JsonObject { ["user"] = user, ["password"] = Any(config, "password") ?? "" };
        return volume;
    }

    private static JsonObject Volume(string backend, params ReadOnlySpan<(string Name, string? Value)> members)
    {
        var config = new JsonObject();
        foreach (var (name, value) in members)
        {
            if (value is not null)
                config[name] = value;
        }

        return new() { ["backend"] = backend, ["config"] = config };
    }

    // The names differ between versions.
    private static string? Any(JsonObject config, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (config.TryGetPropertyValue(name, out var value) && value is JsonValue text && text.TryGetValue(out string? found))
                return found;
        }

        return null;
    }
}
