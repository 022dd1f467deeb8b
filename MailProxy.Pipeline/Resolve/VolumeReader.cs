using MailProxy.Pipeline.Configuration.Volumes;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Opens a file of a volume, of whatever kind the volume is.</summary>
internal sealed class VolumeReader(LocalSource local, S3Source s3, HttpFetch http)
{
    /// <param name="path">Relative to the volume; its syntax is already checked.</param>
    /// <param name="source">Names the source in messages.</param>
    /// <param name="trace">The trace that a request to a web server belongs to; null: none.</param>
    public Task<OpenedSource> OpenAsync(Volume volume, string path, object source, CancellationToken cancel, TraceContext? trace = null) =>
        volume.Config switch
        {
            VolumeConfig.Local files when volume.AdminSet => local.OpenAsync(files.Root, path, source, cancel),
            VolumeConfig.Local => throw new SourceException(
                SourceFault.Refused,
                $"{source}: a directory of this machine needs the admin key."
            ),
            VolumeConfig.S3 store => s3.OpenAsync(volume, store, path, source, cancel),
            VolumeConfig.Http web => http.OpenAsync(new(Below(web.BaseUrl, path), web.Auth, source, Trace: trace), cancel),
            _ => throw new ArgumentOutOfRangeException(nameof(volume), volume.Config, null),
        };

    // Each part is escaped entirely, including percent signs, so that the server sees exactly the name that was written.
    internal static Uri Below(Uri baseUrl, string path) =>
        new(baseUrl, "./" + string.Join('/', path.Split('/').Select(Uri.EscapeDataString)));
}
