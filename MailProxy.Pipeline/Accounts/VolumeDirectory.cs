using System.Collections.Frozen;

namespace MailProxy.Pipeline.Accounts;

/// <summary>All volumes at one instant: an immutable snapshot, swapped whole when one changes.</summary>
public sealed class VolumeDirectory(IReadOnlyCollection<Volume> volumes)
{
    public static readonly VolumeDirectory Empty = new([]);

    private readonly FrozenDictionary<(string Tenant, string Id), Volume> _own = volumes.ToFrozenDictionary(v => (v.Tenant, v.Id));

    // The edge lets an id be shared once; should a store have two, the first tenant's counts.
    private readonly FrozenDictionary<string, Volume> _shared = volumes
        .Where(v => v.Shared)
        .GroupBy(v => v.Id)
        .ToFrozenDictionary(g => g.Key, g => g.MinBy(v => v.Tenant, StringComparer.Ordinal)!);

    public IReadOnlyCollection<Volume> All { get; } = volumes;

    /// <summary>The volume that a tenant means by a name: its own, else a shared one.</summary>
    public Volume? Find(string tenant, string id) => FindOwn(tenant, id) ?? FindShared(id);

    public Volume? FindOwn(string tenant, string id) => _own.GetValueOrDefault((tenant, id));

    public Volume? FindShared(string id) => _shared.GetValueOrDefault(id);
}

/// <summary>Holds the directory that is in force. Written by the volume store's owner, read everywhere.</summary>
public sealed class CurrentVolumes
{
    private VolumeDirectory _directory = VolumeDirectory.Empty;

    public VolumeDirectory Directory => Volatile.Read(ref _directory);

    /// <summary>Raised after a swap, on the swapping thread; a handler must not block.</summary>
    public event Action? Changed;

    public void Swap(VolumeDirectory directory)
    {
        Volatile.Write(ref _directory, directory);
        Changed?.Invoke();
    }
}
