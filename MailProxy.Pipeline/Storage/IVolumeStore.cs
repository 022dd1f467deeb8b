using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Storage;

/// <summary>Volumes. Secrets are encrypted by the implementation, and every change has its row in the audit log.</summary>
public interface IVolumeStore
{
    /// <summary>All volumes, secrets decrypted. Throws <see cref="StoreRefusedException"/> when a secret cannot be.</summary>
    Task<IReadOnlyList<Volume>> VolumesAsync();

    /// <summary>Creates or replaces, secrets too. True: created.</summary>
    Task<bool> PutVolumeAsync(Volume volume, string actor);

    /// <summary><see cref="DeleteResult.InUse"/> while mail that was sent links to files in it.</summary>
    Task<DeleteResult> DeleteVolumeAsync(string tenant, string id, string actor);
}
