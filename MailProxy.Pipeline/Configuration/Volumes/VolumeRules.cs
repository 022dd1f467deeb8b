using System.Buffers;
using System.Text;

namespace MailProxy.Pipeline.Configuration.Volumes;

/// <summary>What a volume's members must be, and what concerns several of them. Pure.</summary>
internal static class VolumeRules
{
    private const string AdminOnly = "admin_only";

    private static readonly SearchValues<char> BucketChars = SearchValues.Create(
        "-._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    );
    private static readonly SearchValues<char> RegionChars = SearchValues.Create("-0123456789abcdefghijklmnopqrstuvwxyz");

    /// <summary>What stands for the configuration of a backend that there is not.</summary>
    public static readonly VolumeConfig NoConfig = new VolumeConfig.Local("");

    public static readonly SecretRules<VolumeConfig.S3> SecretKey = new()
    {
        Applies = static now => now.AccessKey is not null,
        Needed = static _ => "An access key needs its secret key.",
        Void = static (now, before) =>
            now.Bucket == before.Bucket && now.Endpoint == before.Endpoint && now.AccessKey == before.AccessKey
                ? null
                : "Bucket, endpoint or access key changes: send the secret key again.",
    };

    public static string? BucketFault(string? bucket) =>
        bucket!.Length >= 3
        && !bucket.AsSpan().ContainsAnyExcept(BucketChars)
        && !bucket.Contains("..")
        && bucket[0] is not ('.' or '-')
        && bucket[^1] is not ('.' or '-')
            ? null
            : "Must be the name of a bucket: 3 characters or more of letters, digits, - . and _.";

    public static string? Trimmed(string? prefix) => prefix?.TrimEnd('/') is { Length: > 0 } trimmed ? trimmed : null;

    // With what is put below it a key has at most 1024 bytes.
    public static string? PrefixFault(string? prefix) =>
        prefix!.Split('/').Any(part => part is "" or "." or "..") ? "Must be names with single slashes between, without . and .."
        : Encoding.UTF8.GetByteCount(prefix) > 800 || prefix.Any(char.IsControl) ? "At most 800 bytes of UTF-8 without control characters."
        : null;

    public static string? RegionFault(string? region) =>
        region!.Length == 0 || region.AsSpan().ContainsAnyExcept(RegionChars) || region[0] == '-' || region[^1] == '-'
            ? "Must be the name of a region, such as eu-central-1."
            : null;

    public static string? VisibleFault(string? key) =>
        key.AsSpan().ContainsAnyExceptInRange('!', '~') ? "Only visible ASCII is allowed." : null;

    // What stands below a base is appended to it, so it ends with a slash.
    public static Uri? Directory(Uri? url) => url is null || url.AbsolutePath.EndsWith('/') ? url : new Uri(url.OriginalString + "/");

    public static VolumeConfig.Local Local(MemberReader members, VolumeConfig.Local config, VolumeConfig.Local? before)
    {
        if (!members.ByAdmin)
            members.Fault("root", AdminOnly, "Only the admin key may name a directory of this machine.");
        else if (config.Root.Length > 0 && !Path.IsPathFullyQualified(config.Root))
            members.Fault("root", "invalid_path", "Must be an absolute path.");
        else if (config.Root.Length > 0)
            return new(Path.TrimEndingDirectorySeparator(Path.GetFullPath(config.Root)));
        return config;
    }

    public static VolumeConfig.S3 S3(MemberReader members, VolumeConfig.S3 config, VolumeConfig.S3? before)
    {
        if (config is { Endpoint: null, Region: null } && !members.Has("endpoint"))
            members.Fault("region", "required", "Without an endpoint the region is required.");
        if (config.AccessKey is "")
            members.Fault("access_key", "required", "Must not be empty; leave it out together with secret_key.");
        if (config.AccessKey is not null)
            return config;
        if (config.SecretKey is not null)
            members.Fault("access_key", "required", "A secret key needs its access key.");
        if (!members.ByAdmin)
            members.Fault(
                "access_key",
                AdminOnly,
                "Only the admin key may use this machine's own AWS credentials: name access_key and secret_key."
            );
        return config with { SecretKey = null };
    }

    /// <summary>Reads the configuration by the fields of its backend.</summary>
    /// <param name="empty">The backend's, before a member is read.</param>
    public static VolumeConfig Config(MemberReader members, Variants<VolumeConfig> backends, VolumeConfig empty, VolumeConfig? before)
    {
        if (!members.Has("config"))
            members.Fault("config", "required", "This field is required.");
        return members.Object("config") is { } config && !ReferenceEquals(empty, NoConfig)
            ? backends.Of(empty).Bind(config, before)
            : NoConfig;
    }

    public static Volume Whole(MemberReader members, Volume volume, Volume? before)
    {
        if (volume.Shared && !members.ByAdmin)
            members.Fault("shared", AdminOnly, "Only the admin key may share a volume with every tenant.");
        return volume;
    }
}
