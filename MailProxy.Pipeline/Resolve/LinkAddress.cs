using System.Net.Http.Headers;
using System.Security.Cryptography;
using MailProxy.Pipeline.Configuration.Volumes;

namespace MailProxy.Pipeline.Resolve;

/// <summary>How a linked file is named and reached. Pure, except for the random part of a new key.</summary>
internal static class LinkAddress
{
    public const string Folder = "links";

    /// <summary>The longest lifetime that AWS signature version 4 allows: 7 days.</summary>
    public const int MostPresignedDays = 7;

    private const long Day = 86_400_000;

    /// <summary>
    /// Whether the link leads to this daemon (which redirects to S3 where needed) and not straight to S3. This is so for files of this
    /// machine,
    /// for links that live longer than a signature, and for temporary keys of the machine, which last only hours.
    /// </summary>
    public static bool IsServed(Volume volume, int lifetimeDays, Uri? publicUrl) =>
        volume.Config switch
        {
            VolumeConfig.S3 s3 => publicUrl is not null && (lifetimeDays > MostPresignedDays || s3.AccessKey is null),
            _ => true,
        };

    /// <summary>Lifetime of a link in milliseconds; a presigned link has 7 days at most.</summary>
    public static long Lifetime(int days, bool served) => Day * (served ? days : Math.Min(days, MostPresignedDays));

    /// <summary>Identifies the volume's storage, without its secret: after the volume moves, files put there before are not in
    /// it.</summary>
    public static string Location(VolumeConfig config) =>
        config switch
        {
            VolumeConfig.Local local => $"local {local.Root}",
            VolumeConfig.S3 s3 => $"s3 {s3.Endpoint?.AbsoluteUri ?? s3.Region} {s3.Bucket} {s3.Prefix}",
            _ => config.Backend,
        };

    /// <summary>A new path in the volume that nobody can guess.</summary>
    public static string NewKey(string tenant) => $"{Folder}/{tenant}/{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}";

    /// <summary>The attachment's content type when it is valid, otherwise <c>application/octet-stream</c>.</summary>
    public static string ContentType(string? given) =>
        MediaTypeHeaderValue.TryParse(given, out var type) && type.ToString() is { Length: <= 255 } text && Ascii(text)
            ? text
            : "application/octet-stream";

    private static bool Ascii(string text) => !text.AsSpan().ContainsAnyExceptInRange(' ', '~');
}
