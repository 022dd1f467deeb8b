using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Accounts;

/// <summary>
/// Changes volumes and puts what the store then has in force, so that a change acts at once. One change at a time: an older reading never
/// overwrites a newer one.
/// </summary>
public sealed class VolumeChanges(IVolumeStore store, CurrentVolumes current) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Reads all volumes from the store. Throws <see cref="StoreRefusedException"/> when a secret cannot be opened.</summary>
    public Task LoadAsync() => InTurnAsync(static () => Task.FromResult(true));

    /// <summary>True: created.</summary>
    public Task<bool> PutAsync(Volume volume, string actor) => InTurnAsync(() => store.PutVolumeAsync(volume, actor));

    public Task<DeleteResult> DeleteAsync(string tenant, string id, string actor) =>
        InTurnAsync(() => store.DeleteVolumeAsync(tenant, id, actor));

    public void Dispose() => _turn.Dispose();

    private async Task<T> InTurnAsync<T>(Func<Task<T>> change)
    {
        await _turn.WaitAsync();
        try
        {
            var result = await change();
            current.Swap(new(await store.VolumesAsync()));
            return result;
        }
        finally
        {
            _turn.Release();
        }
    }
}
