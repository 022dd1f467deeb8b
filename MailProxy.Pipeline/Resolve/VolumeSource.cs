using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Reads files of a volume, with the volume's current configuration.</summary>
internal sealed class VolumeSource(CurrentVolumes volumes, VolumeReader reader, TimeProvider clock) : IAttachmentSource
{
    public async Task<OpenedSource> OpenAsync(string tenant, AttachmentRef wanted, CancellationToken cancel)
    {
        var place = (AttachmentPlace.InVolume)wanted.Place;
        if (volumes.Directory.Find(tenant, place.Volume) is not { } volume)
        {
            throw new SourceException(SourceFault.Gone, $"{place}: there is no volume '{place.Volume}'.");
        }

        try
        {
            var opened = await reader.OpenAsync(volume, place.Path, place, cancel);
            volumes.Worked(volume);
            return opened;
        }
        catch (SourceException error) when (error.Fault == SourceFault.Down || error.NotAllowed)
        {
            // A single file that is missing or refused says nothing about the volume.
            volumes.Failed(volume, error.Without(place), clock.GetUtcNow().ToUnixTimeMilliseconds());
            throw;
        }
    }
}
