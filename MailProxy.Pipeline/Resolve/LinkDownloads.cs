using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Finds what a link of this daemon leads to. The token is the only right that a caller needs.</summary>
public sealed class LinkDownloads
{
    // Long enough to follow a redirect on a slow connection; the download itself may take longer.
    private static readonly TimeSpan Onward = TimeSpan.FromMinutes(5);

    private readonly ILinkStore _store;
    private readonly CurrentVolumes _volumes;
    private readonly VolumeWriter _writer;
    private readonly LinkTokens _tokens;
    private readonly TimeProvider _clock;

    internal LinkDownloads(ILinkStore store, CurrentVolumes volumes, VolumeWriter writer, LinkTokens tokens, TimeProvider clock) =>
        (_store, _volumes, _writer, _tokens, _clock) = (store, volumes, writer, tokens, clock);

    /// <param name="head">Whether only the headers are requested.</param>
    public async Task<Download> OpenAsync(string token, bool head, CancellationToken cancel)
    {
        if (_tokens.Read(token) is not { } read)
            return new Download.Unknown();
        if (read.ExpiresAt <= _clock.GetUtcNow().ToUnixTimeMilliseconds())
            return new Download.Expired();
        if (await _store.FindAsync(read.Number) is not { } link || link.ExpiresAt != read.ExpiresAt)
            return new Download.Unknown();

        var content = link.Object.Content;
        if (_volumes.Directory.IsDamaged(content.VolumeTenant, content.Volume))
            return new Download.Unavailable();
        if (
            _volumes.Directory.FindOwn(content.VolumeTenant, content.Volume) is not { } volume
            || LinkAddress.Location(volume.Config) != content.Place
        )
            return new Download.Unknown();
        try
        {
            if (volume.Config is VolumeConfig.Local local)
                return await Task.Run(() => Open(local, link), cancel);
            return new Download.Elsewhere(
                await _writer.PresignAsync(volume, link.Object.Key, link.Name, link.ContentType, _clock.GetUtcNow() + Onward, head)
            );
        }
        catch (SourceException error)
        {
            return error.Fault == SourceFault.Down ? new Download.Unavailable() : new Download.Unknown();
        }
    }

    private static Download.File Open(VolumeConfig.Local local, StoredLink link)
    {
        var file = VolumeWriter.Open(local, link.Object.Key);
        return new(
            file,
            link.Name,
            link.ContentType,
            File.GetLastWriteTimeUtc(file.SafeFileHandle),
            Convert.ToHexStringLower(link.Object.Content.Sha256.AsSpan(0, 16))
        );
    }
}
