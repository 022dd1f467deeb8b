using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Api;

/// <summary>Volumes in memory.</summary>
internal sealed class FakeVolumeStore : IVolumeStore
{
    public List<Volume> Volumes { get; } = [];
    public HashSet<string> InUse { get; } = [];

    public Task<IReadOnlyList<Volume>> VolumesAsync() => Task.FromResult<IReadOnlyList<Volume>>([.. Volumes]);

    public Task<bool> PutVolumeAsync(Volume volume, string actor)
    {
        var replaced = Volumes.RemoveAll(v => v.Tenant == volume.Tenant && v.Id == volume.Id) > 0;
        Volumes.Add(volume);
        return Task.FromResult(!replaced);
    }

    public Task<DeleteResult> DeleteVolumeAsync(string tenant, string id, string actor)
    {
        if (InUse.Contains(id))
            return Task.FromResult(DeleteResult.InUse);
        return Task.FromResult(Volumes.RemoveAll(v => v.Tenant == tenant && v.Id == id) > 0 ? DeleteResult.Deleted : DeleteResult.NotFound);
    }
}
