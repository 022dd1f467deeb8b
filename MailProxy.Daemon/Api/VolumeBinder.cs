using System.Buffers;
using System.Text;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Api;

/// <summary>Reads a volume as a client wrote it, over the one that is there. Pure.</summary>
internal static class VolumeBinder
{
    private const string AdminOnly = "admin_only";

    public static readonly IReadOnlyList<(string Name, char Value)> Backends = [("local", 'l'), ("s3", 's'), ("http", 'h')];

    private static readonly SearchValues<char> BucketChars = SearchValues.Create(
        "-._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    );
    private static readonly SearchValues<char> RegionChars = SearchValues.Create("-0123456789abcdefghijklmnopqrstuvwxyz");

    public static Volume Bind(MemberReader members, string tenant, string id, Volume? existing, bool isAdmin)
    {
        members.ReadOnly("tenant", "last_error", "last_error_at");
        if (members.Text("id", 63) is { } given && given != id)
            members.Fault("id", "mismatch", "Must be the id in the path.");
        var shared = members.Flag("shared") ?? false;
        if (shared && !isAdmin)
            members.Fault("shared", AdminOnly, "Only the admin key may share a volume with every tenant.");
        var backend = members.Choice("backend", Backends, required: true);
        if (!members.Has("config"))
            members.Fault("config", "required", "This field is required.");
        VolumeConfig? config = null;
        if (members.Object("config") is { } inner && backend is not null)
        {
            config = backend switch
            {
                'l' => Local(inner, isAdmin),
                's' => S3(inner, existing?.Config as VolumeConfig.S3, isAdmin),
                _ => Http(inner, existing?.Config as VolumeConfig.Http),
            };
            inner.Close();
        }

        members.Close();
        return new()
        {
            Tenant = tenant,
            Id = id,
            Shared = shared,
            AdminSet = isAdmin,
            Config = config ?? new VolumeConfig.Local(""),
        };
    }

    private static VolumeConfig.Local Local(MemberReader config, bool isAdmin)
    {
        var root = config.Text("root", 4_096, required: true);
        if (!isAdmin)
            config.Fault("root", AdminOnly, "Only the admin key may name a directory of this machine.");
        else if (root is not null && !Path.IsPathFullyQualified(root))
            config.Fault("root", "invalid_path", "Must be an absolute path.");
        else if (root is not null)
            root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        return new(root ?? "");
    }

    private static VolumeConfig.S3 S3(MemberReader config, VolumeConfig.S3? existing, bool isAdmin)
    {
        config.ReadOnly("secret_key_set");
        var bucket = config.Text("bucket", 255, required: true);
        if (bucket is not null && !IsBucket(bucket))
            config.Fault("bucket", "invalid_bucket", "Must be the name of a bucket: 3 characters or more of letters, digits, - . and _.");
        var prefix = config.Text("prefix", 800);
        if (prefix is not null)
            prefix = prefix.TrimEnd('/') is { Length: > 0 } trimmed ? trimmed : null;
        if (prefix is not null && prefix.Split('/').Any(part => part is "" or "." or ".."))
            config.Fault("prefix", "invalid_path", "Must be names with single slashes between, without . and ..");
        else if (prefix is not null && !IsKeyPart(prefix))
            config.Fault("prefix", "invalid_path", "At most 800 bytes of UTF-8 without control characters.");
        var region = config.Text("region", 63);
        if (
            region is not null
            && (region.Length == 0 || region.AsSpan().ContainsAnyExcept(RegionChars) || region[0] == '-' || region[^1] == '-')
        )
            config.Fault("region", "invalid_region", "Must be the name of a region, such as eu-central-1.");
        var endpoint = Urls.Read(config, "endpoint", required: false, query: false);
        if (endpoint is null && region is null && !config.Has("endpoint"))
            config.Fault("region", "required", "Without an endpoint the region is required.");
        var pathStyle = config.Flag("path_style") ?? false;
        var accessKey = config.Text("access_key", 256);
        if (accessKey is not null && accessKey.AsSpan().ContainsAnyExceptInRange('!', '~'))
            config.Fault("access_key", "invalid_characters", "Only visible ASCII is allowed.");
        if (accessKey is "")
            config.Fault("access_key", "required", "Must not be empty; leave it out together with secret_key.");
        var moved =
            existing is not null && !(existing.Bucket == bucket && existing.Endpoint == endpoint && existing.AccessKey == accessKey);
        var secretKey = SecretKey(config, accessKey, existing?.SecretKey, moved);
        if (accessKey is null && !isAdmin)
            config.Fault(
                "access_key",
                AdminOnly,
                "Only the admin key may use this machine's own AWS credentials: name access_key and secret_key."
            );
        return new(bucket ?? "", prefix, region, endpoint, pathStyle, accessKey, secretKey, config.Flag("chunked_upload") ?? true);
    }

    private static bool IsBucket(string bucket) =>
        bucket.Length >= 3
        && !bucket.AsSpan().ContainsAnyExcept(BucketChars)
        && !bucket.Contains("..")
        && bucket[0] is not ('.' or '-')
        && bucket[^1] is not ('.' or '-');

    // With what is put below it a key has at most 1024 bytes.
    private static bool IsKeyPart(string prefix) => Encoding.UTF8.GetByteCount(prefix) <= 800 && !prefix.Any(char.IsControl);

    private static string? SecretKey(MemberReader config, string? accessKey, string? existing, bool moved)
    {
        var removed = config.IsNull("secret_key");
        var given = config.Text("secret_key", 1_024);
        if (accessKey is null)
        {
            if (given is not null)
                config.Fault("access_key", "required", "A secret key needs its access key.");
            return null;
        }

        if (given is { Length: > 0 })
            return given;
        if (given is null && !removed && existing is not null && !moved)
            return existing;

        // A kept secret must not be sent to a place its owner never named.
        if (given is null && !removed && existing is not null)
            config.Fault("secret_key", "secret_required", "Bucket, endpoint or access key changes: send the secret key again.");
        else if (given is not null || removed || !config.Has("secret_key"))
            config.Fault("secret_key", "required", "An access key needs its secret key.");
        return null;
    }

    private static VolumeConfig.Http Http(MemberReader config, VolumeConfig.Http? existing)
    {
        var url = Directory(Urls.Read(config, "base_url", required: true, query: false));
        return new(
            url ?? new Uri("http://localhost/"),
            SourceAuthBinder.Bind(config.Object("auth"), existing?.Auth, existing?.BaseUrl != url)
        );
    }

    // What stands below a base is appended to it, so it ends with a slash.
    private static Uri? Directory(Uri? url) => url is null || url.AbsolutePath.EndsWith('/') ? url : new Uri(url.OriginalString + "/");
}
