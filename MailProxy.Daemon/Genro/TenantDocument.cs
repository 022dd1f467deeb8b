using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Network;

namespace MailProxy.Daemon.Genro;

/// <summary>
/// A tenant as a client of genro-mail-proxy wrote it, secrets included: what is kept of it, what is answered, and what it means here. Pure.
/// </summary>
internal sealed class TenantDocument(JsonObject members)
{
    public const string Kind = "tenant";

    private const string SyncPath = "/mail-proxy/sync",
        AttachmentPath = "/mail-proxy/attachments";

    private const double Megabyte = 1 << 20;

    // What is only kept and shown again.
    private const int LongestEcho = 8_192;

    private static readonly string[] Texts = ["name", "client_base_url", "client_sync_path", "client_attachment_path"];
    private static readonly string[] Secrets = ["token", "password"];

    /// <summary>As it is kept.</summary>
    public string Text => members.ToJsonString();

    public string? Name => Member("name");

    public bool IsActive => members["active"]?.GetValue<bool>() ?? true;

    public string? BaseUrl => Member("client_base_url");

    public static TenantDocument Parse(string? kept) => new(kept is null ? [] : (JsonObject)JsonNode.Parse(kept)!);

    /// <summary>What a request says that makes a tenant or replaces one; mistakes are told to the reader.</summary>
    public static (string? Id, TenantDocument Document) ReadNew(GenroReader reader)
    {
        var id = reader.Text("id", required: true, least: 1);
        if (id is not null && !IdSyntax.IsObjectId(id))
            reader.Fault("id", "value_error", $"An id is {IdSyntax.ObjectRule}");
        return (id, Read(reader, before: null));
    }

    /// <summary>What a request says, over what is there; mistakes are told to the reader.</summary>
    /// <param name="before">Null: everything that is absent is null afterwards.</param>
    public static TenantDocument Read(GenroReader reader, TenantDocument? before)
    {
        var members = before is null ? [] : (JsonObject)JsonNode.Parse(before.Text)!;
        foreach (var name in Texts)
        {
            if (reader.Text(name, most: 2_048) is { } text)
                members[name] = text;
        }

        if (reader.Flag("active") is { } active)
            members["active"] = active;
        if (reader.Object("client_auth") is { } auth)
            members["client_auth"] = Auth(auth);
        if (reader.Object("rate_limits") is { } limits)
        {
            if (limits.Root.GetRawText().Length > LongestEcho)
                reader.Fault("rate_limits", "value_error", $"At most {LongestEcho} characters");
            else
                members["rate_limits"] = JsonNode.Parse(limits.Root.GetRawText());
        }

        if (reader.Object("large_file_config") is { } large)
            members["large_file_config"] = LargeFile(large);
        var document = Parse(members.ToJsonString()); // what is read again is what a start reads
        document.Check(reader);
        return document;
    }

    /// <summary>As it is answered: without secrets, nothing that is null.</summary>
    public JsonObject Show(string id)
    {
        var shown = new JsonObject { ["id"] = id };
        foreach (var (name, value) in members)
        {
            if (value is not null)
                shown[name] = value.DeepClone();
        }

        foreach (var secret in Secrets)
            (shown["client_auth"] as JsonObject)?.Remove(secret);
        shown["active"] = IsActive;
        return shown;
    }

    /// <summary>Where its reports go; null: nowhere.</summary>
    public Uri? SyncUrl => Address("client_sync_path", SyncPath);

    /// <summary>Where its attachments come from; null: nowhere.</summary>
    public AttachmentEndpoint? AttachmentEndpoint =>
        Address("client_attachment_path", AttachmentPath) is { } url ? new(url, ClientAuth) : null;

    /// <summary>What its application is asked with.</summary>
    public SourceAuth? ClientAuth => members["client_auth"] is JsonObject auth ? AuthOf(auth) : null;

    /// <summary>The rule for large files; null: there is none, or it is not in force.</summary>
    /// <param name="volume">Where rewritten files are put.</param>
    public LargeFiles? LargeFilesIn(string volume)
    {
        if (members["large_file_config"] is not JsonObject config || config["enabled"]?.GetValue<bool>() != true)
            return null;
        var threshold = (long)((config["max_size_mb"]?.GetValue<double>() ?? 10) * Megabyte);
        var days = Math.Clamp((int)(config["file_ttl_days"]?.GetValue<double>() ?? LargeFiles.DefaultLifetimeDays), 1, 3_650);
        return (string?)config["action"] switch
        {
            "reject" => new(Math.Max(1, threshold), LargeFileAction.Reject, LifetimeDays: days),
            "rewrite" => new(Math.Max(1, threshold), LargeFileAction.Link, volume, days) { PublicUrl = (string?)config["public_base_url"] },
            _ => new(Math.Max(1, threshold), LargeFileAction.Warn, LifetimeDays: days),
        };
    }

    /// <summary>Where rewritten files go; null: nothing is rewritten.</summary>
    public string? StorageUrl =>
        members["large_file_config"] is JsonObject config
        && config["enabled"]?.GetValue<bool>() == true
        && (string?)config["action"] == "rewrite"
            ? (string?)config["storage_url"]
            : null;

    /// <summary>What an <c>auth</c> of genro-mail-proxy means.</summary>
    public static SourceAuth? AuthOf(JsonObject auth) =>
        (string?)auth["method"] switch
        {
            "bearer" when (string?)auth["token"] is { Length: > 0 } token => new SourceAuth.Bearer(token),
            "basic" => new SourceAuth.Basic((string?)auth["user"] ?? "", (string?)auth["password"] ?? ""),
            _ => null,
        };

    /// <summary>Reads <c>{method, token?, user?, password?}</c>.</summary>
    public static JsonObject Auth(GenroReader auth)
    {
        var read = new JsonObject { ["method"] = auth.Choice("method", "none", "bearer", "basic") ?? "none" };
        foreach (var name in new[] { "token", "user", "password" })
        {
            if (auth.Text(name, most: 4_096) is not { } text)
                continue;
            if (text.AsSpan().ContainsAnyInRange('\0', '\u001f'))
                auth.Fault(name, "value_error", "Control characters are not allowed");
            else
                read[name] = text;
        }

        return read;
    }

    private static JsonObject LargeFile(GenroReader large)
    {
        var read = new JsonObject
        {
            ["enabled"] = large.Flag("enabled") ?? false,
            ["max_size_mb"] = large.Real("max_size_mb") ?? 10.0,
            ["action"] = large.Choice("action", "warn", "reject", "rewrite") ?? "warn",
            ["file_ttl_days"] = large.Whole("file_ttl_days") ?? LargeFiles.DefaultLifetimeDays,
        };
        if (read["max_size_mb"]!.GetValue<double>() is not (> 0 and < 1_000_000))
            large.Fault("max_size_mb", "greater_than", "Input should be greater than 0");
        foreach (var name in new[] { "storage_url", "public_base_url" })
        {
            if (large.Text(name, most: 2_048) is { } text)
                read[name] = text;
        }

        if ((string?)read["public_base_url"] is { } served && HttpAddress.Read(served).Fault is { } wrong)
            large.Fault("public_base_url", "url_parsing", "Input should be a valid URL: " + wrong);

        return read;
    }

    private void Check(GenroReader reader)
    {
        if (BaseUrl is { Length: > 0 } && (SyncUrl is null || AttachmentEndpoint is null))
            reader.Fault("client_base_url", "url_parsing", "Input should be a valid URL: " + WhyNot());
    }

    private string WhyNot() => HttpAddress.Read(Joined("client_sync_path", SyncPath)).Fault ?? "it has a fragment, or a path is none";

    private Uri? Address(string path, string usual)
    {
        if (BaseUrl is not { Length: > 0 })
            return null;
        var joined = Joined(path, usual);
        return joined.Contains('#') ? null : HttpAddress.Read(joined).Address;
    }

    private string Joined(string path, string usual)
    {
        var below = Member(path) is { Length: > 0 } own ? own : usual;
        return BaseUrl!.TrimEnd('/') + (below.StartsWith('/') ? below : "/" + below);
    }

    private string? Member(string name) => (string?)members[name];
}
