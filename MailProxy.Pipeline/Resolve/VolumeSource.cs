using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Reads files of a volume, with the volume's current configuration.</summary>
internal sealed class VolumeSource(CurrentVolumes volumes, VolumeReader reader, TimeProvider clock) : IAttachmentSource
{
    public async Task<OpenedSource> OpenAsync(string tenant, AttachmentRef wanted, CancellationToken cancel)
    {
        var address = (AttachmentPlace.InVolume)wanted.Place;
        var directory = volumes.Directory;
        if (directory.Find(tenant, address.Volume) is not { } volume)
        {
            if (directory.MeansDamaged(tenant, address.Volume))
                throw new SourceException(SourceFault.Down, $"{address}: the stored volume '{address.Volume}' cannot be read.");
            throw new SourceException(SourceFault.Gone, $"{address}: there is no volume '{address.Volume}'.");
        }

        try
        {
            var opened = await reader.OpenAsync(volume, address.Path, address, cancel, wanted.Trace);
            volumes.Worked(volume);
            return opened;
        }
        catch (SourceException error) when (error.Fault == SourceFault.Down || error.NotAllowed)
        {
            // A single file that is missing or refused says nothing about the volume.
            volumes.Failed(volume, error.Without(address), clock.GetUtcNow().ToUnixTimeMilliseconds());
            throw;
        }
    }
}
