using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Api;

/// <summary>Turns volumes into answers: secrets never come out, and of another's shared volume only that it is there.</summary>
internal static class VolumeAnswers
{
    public static VolumeAnswer Of(Volume volume, VolumeTrouble? trouble, Caller caller)
    {
        var isHis = caller.IsAdmin || volume.Tenant == caller.Tenant;
        return new(volume.Id, volume.Tenant, volume.Config.Backend, isHis ? Of(volume.Config) : null, volume.Shared)
        {
            LastError = isHis ? trouble?.Error : null,
            LastErrorAt = isHis ? Times.Utc(trouble?.At) : null,
        };
    }

    public static VolumeTestAnswer Of(VolumeTest test) =>
        new(
            test.Ok,
            test.Status,
            test.Code,
            test.Objects,
            test.Objects is null ? null : test.More,
            test.Size,
            test.Error,
            Math.Round(test.Took.TotalMilliseconds, 1)
        );

    private static VolumeConfigAnswer Of(VolumeConfig config) =>
        config switch
        {
            VolumeConfig.Local local => new() { Root = local.Root },
            VolumeConfig.S3 s3 => new()
            {
                Bucket = s3.Bucket,
                Prefix = s3.Prefix,
                Region = s3.Region,
                Endpoint = s3.Endpoint?.OriginalString,
                PathStyle = s3.PathStyle,
                AccessKey = s3.AccessKey,
                SecretKeySet = s3.SecretKey is not null,
                ChunkedUpload = s3.ChunkedUpload,
            },
            VolumeConfig.Http http => new() { BaseUrl = http.BaseUrl.OriginalString, Auth = SourceAuthBinder.Answer(http.Auth) },
            _ => throw new ArgumentOutOfRangeException(nameof(config)),
        };
}
