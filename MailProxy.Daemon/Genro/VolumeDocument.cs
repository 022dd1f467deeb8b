using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Configuration.Volumes;

namespace MailProxy.Daemon.Genro;

/// <summary>A volume as a client wrote it, without its secrets: what is kept of it, and what it means here. Pure.</summary>
/// <param name="Account">The only account whose mail may name it; null: every account's may.</param>
internal sealed record VolumeDocument(JsonObject Config, string? Account, long CreatedAt, long UpdatedAt)
{
    private const int MostMembers = 100,
        LongestMember = 4_096;

    private static readonly string[] Secret = ["secret", "password", "token", "credential"];

    public string Text =>
        new JsonObject
        {
            ["config"] = Config.DeepClone(),
            ["account_id"] = Account,
            ["created_at"] = CreatedAt,
            ["updated_at"] = UpdatedAt,
        }.ToJsonString();

    public static VolumeDocument Parse(string kept)
    {
        var members = (JsonObject)JsonNode.Parse(kept)!;
        return new(
            (JsonObject)members["config"]!.DeepClone(),
            (string?)members["account_id"],
            members["created_at"]!.GetValue<long>(),
            members["updated_at"]!.GetValue<long>()
        );
    }

    /// <summary>What is kept of a configuration: single values that are no secrets.</summary>
    public static JsonObject Shown(JsonElement config)
    {
        var shown = new JsonObject();
        foreach (var member in config.EnumerateObject().Take(MostMembers))
        {
            var isSecret = Secret.Any(part => member.Name.Contains(part, StringComparison.OrdinalIgnoreCase));
            if (
                !isSecret
                && member.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False
                && member.Value.GetRawText().Length <= LongestMember
            )
                shown[member.Name] = JsonNode.Parse(member.Value.GetRawText());
        }

        return shown;
    }

    /// <summary>Of a volume that was made by this program's own API.</summary>
    public static JsonObject Shown(VolumeConfig config, string root) =>
        config switch
        {
            VolumeConfig.Local local => new() { [root] = local.Root },
            VolumeConfig.S3 s3 => new()
            {
                ["bucket"] = s3.Bucket,
                ["prefix"] = s3.Prefix,
                ["region"] = s3.Region,
                ["endpoint_url"] = s3.Endpoint?.OriginalString,
            },
            VolumeConfig.Http http => new() { ["base_url"] = http.BaseUrl.OriginalString },
            _ => [],
        };

    /// <summary>What a configuration means here; null: there is no such backend here. Mistakes are told to the reader.</summary>
    public static JsonObject? Meant(string backend, GenroReader config) =>
        backend switch
        {
            "local" => Local(config),
            "s3" => S3(config),
            _ => null,
        };

    private static JsonObject Local(GenroReader config)
    {
        var root = First(config, "path", "base_path", "root");
        if (root is null)
            config.Fault("path", "missing", GenroMistake.Absent);
        return new()
        {
            ["backend"] = "local",
            ["config"] = new JsonObject { ["root"] = root },
        };
    }

    private static JsonObject S3(GenroReader config)
    {
        var meant = new JsonObject
        {
            ["bucket"] = config.Text("bucket", required: true),
            ["region"] = First(config, "region", "region_name") ?? GenroVolume.UsualRegion,
        };
        Put(meant, "prefix", First(config, "prefix", "base_path")?.Trim('/'));
        Put(meant, "access_key", First(config, "access_key", "access_key_id", "aws_access_key_id"));
        Put(meant, "secret_key", First(config, "secret_key", "secret_access_key", "aws_secret_access_key"));
        if (First(config, "endpoint_url", "endpoint") is { } endpoint)
        {
            meant["endpoint"] = endpoint;
            meant["path_style"] = true;
        }

        return new() { ["backend"] = "s3", ["config"] = meant };
    }

    private static void Put(JsonObject members, string name, string? text)
    {
        if (text is { Length: > 0 })
            members[name] = text;
    }

    private static string? First(GenroReader config, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (config.Text(name) is { Length: > 0 } text)
                return text;
        }

        return null;
    }
}
