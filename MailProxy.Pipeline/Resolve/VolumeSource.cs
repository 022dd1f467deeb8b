using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Files of a volume, as it is configured at this moment.</summary>
internal sealed class VolumeSource(CurrentVolumes volumes, VolumeReader reader) : IAttachmentSource
{
    public Task<OpenedSource> OpenAsync(string tenant, AttachmentRef wanted, CancellationToken cancel)
    {
        var place = (AttachmentPlace.InVolume)wanted.Place;
        if (volumes.Directory.Find(tenant, place.Volume) is { } volume) return reader.OpenAsync(volume, place.Path, place, cancel);
        throw new SourceException(SourceFault.Gone, $"{place}: there is no volume '{place.Volume}'.");
    }
}
