using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Storage;

/// <summary>A volume's configuration as stores keep it, in the contract's words, without its one secret.</summary>
internal sealed record VolumeRecord
{
    public required string Backend { get; init; }
    public string? Root { get; init; }
    public string? Bucket { get; init; }
    public string? Prefix { get; init; }
    public string? Region { get; init; }
    public string? Endpoint { get; init; }
    public bool? PathStyle { get; init; }
    public string? AccessKey { get; init; }
    public bool? ChunkedUpload { get; init; }
    public string? BaseUrl { get; init; }

    /// <summary><c>basic</c>, <c>bearer</c>, <c>header</c>; null: none.</summary>
    public string? Auth { get; init; }

    public string? User { get; init; }
    public string? Header { get; init; }

    public static VolumeRecord Of(VolumeConfig config) =>
        config switch
        {
            VolumeConfig.Local local => new() { Backend = local.Backend, Root = local.Root },
            VolumeConfig.S3 s3 => new()
            {
                Backend = s3.Backend,
                Bucket = s3.Bucket,
                Prefix = s3.Prefix,
                Region = s3.Region,
                Endpoint = s3.Endpoint?.OriginalString,
                PathStyle = s3.PathStyle,
                AccessKey = s3.AccessKey,
                ChunkedUpload = s3.ChunkedUpload,
            },
            VolumeConfig.Http http => new()
            {
                Backend = http.Backend,
                BaseUrl = http.BaseUrl.OriginalString,
                Auth = http.Auth switch
                {
                    null => null,
                    SourceAuth.Basic => "basic",
                    SourceAuth.Bearer => "bearer",
                    SourceAuth.Header => "header",
                    _ => throw Unknown(http.Auth),
                },
                User = (http.Auth as SourceAuth.Basic)?.User,
                Header = (http.Auth as SourceAuth.Header)?.Name,
            },
            _ => throw Unknown(config),
        };

    /// <summary>The secret of a configuration, which is kept apart and sealed.</summary>
    public static string? SecretOf(VolumeConfig config) =>
        config switch
        {
            VolumeConfig.S3 s3 => s3.SecretKey,
            VolumeConfig.Http { Auth: SourceAuth.Basic basic } => basic.Password,
            VolumeConfig.Http { Auth: SourceAuth.Bearer bearer } => bearer.Token,
            VolumeConfig.Http { Auth: SourceAuth.Header header } => header.Value,
            _ => null,
        };

    public VolumeConfig ToConfig(string? secret) =>
        Backend switch
        {
            "local" => new VolumeConfig.Local(Root!),
            "s3" => new VolumeConfig.S3(
                Bucket!,
                Prefix,
                Region,
                Endpoint is null ? null : HttpAddress.Stored(Endpoint),
                PathStyle ?? false,
                AccessKey,
                secret,
                ChunkedUpload ?? true
            ),
            "http" => new VolumeConfig.Http(HttpAddress.Stored(BaseUrl!), ToAuth(secret)),
            _ => throw new StoreRefusedException($"A stored volume has the unknown backend '{Backend}'."),
        };

    public string ToJson() => JsonSerializer.Serialize(this, StoredJson.Default.VolumeRecord);

    public static VolumeRecord FromJson(string json) => JsonSerializer.Deserialize(json, StoredJson.Default.VolumeRecord)!;

    // An unknown word must not send a request without the credentials that its owner meant.
    private SourceAuth? ToAuth(string? secret) =>
        Auth switch
        {
            null => null,
            "basic" => new SourceAuth.Basic(User!, secret!),
            "bearer" => new SourceAuth.Bearer(secret!),
            "header" => new SourceAuth.Header(Header!, secret!),
            _ => throw new StoreRefusedException($"A stored volume has credentials of the unknown kind '{Auth}'."),
        };

    private static ArgumentOutOfRangeException Unknown(object what) => new(nameof(what), what.GetType().Name, null);
}

/// <summary>What a change of a volume looks like in the audit log: the secret only as set or not.</summary>
internal sealed record AuditedVolume(VolumeRecord Config, bool SecretSet, bool Shared, bool AdminSet, bool? SecretChanged = null)
{
    public string ToJson() => JsonSerializer.Serialize(this, StoredJson.Default.AuditedVolume);
}
