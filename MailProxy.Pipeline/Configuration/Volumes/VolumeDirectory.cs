using System.Collections.Concurrent;
using System.Collections.Frozen;

namespace MailProxy.Pipeline.Configuration.Volumes;

/// <summary>The volumes that the stages use.</summary>
/// <param name="damaged">Volumes whose stored rows cannot be read; null: none.</param>
public sealed class VolumeDirectory(IReadOnlyCollection<Volume> volumes, IReadOnlyCollection<(string Tenant, string Id)>? damaged = null)
{
    private readonly FrozenSet<(string Tenant, string Id)> _damaged = (damaged ?? []).ToFrozenSet();

    public static readonly VolumeDirectory Empty = new([]);

    private readonly FrozenDictionary<(string Tenant, string Id), Volume> _own = volumes.ToFrozenDictionary(v => (v.Tenant, v.Id));

    // The edge lets an id be shared once; should a store have two, the first tenant's counts.
    private readonly FrozenDictionary<string, Volume> _shared = volumes
        .Where(v => v.Shared)
        .GroupBy(v => v.Id)
        .ToFrozenDictionary(g => g.Key, g => g.MinBy(v => v.Tenant, StringComparer.Ordinal)!);

    public IReadOnlyCollection<Volume> All { get; } = volumes;

    public static VolumeDirectory Of(Snapshot<Volume> snapshot) =>
        new([.. snapshot.Values], [.. snapshot.All.Where(static one => one.Value is null).Select(static one => (one.Tenant, one.Id))]);

    /// <summary>
    /// The volume that a tenant means by a name: its own, else a shared one. Null when its own is damaged, since the shared one has other
    /// files.
    /// </summary>
    public Volume? Find(string tenant, string id) => FindOwn(tenant, id) ?? (IsDamaged(tenant, id) ? null : FindShared(id));

    /// <summary>Whether the tenant's own volume of this name is there but cannot be read.</summary>
    public bool IsDamaged(string tenant, string id) => _damaged.Contains((tenant, id));

    /// <summary>
    /// Whether what the tenant means by a name is there but cannot be read, so that its mail waits. A damaged volume of another tenant may
    /// have been shared.
    /// </summary>
    public bool MeansDamaged(string tenant, string id) =>
        Find(tenant, id) is null && (IsDamaged(tenant, id) || _damaged.Any(one => one.Id == id));

    public Volume? FindOwn(string tenant, string id) => _own.GetValueOrDefault((tenant, id));

    public Volume? FindShared(string id) => _shared.GetValueOrDefault(id);
}

/// <summary>Holds the directory that is in force. Written by the volume store's owner, read everywhere.</summary>
public sealed class CurrentVolumes() : Current<VolumeDirectory>(VolumeDirectory.Empty)
{
    // At most one for each volume that there is.
    private readonly ConcurrentDictionary<(string Tenant, string Id), VolumeTrouble> _troubles = new();

    /// <summary>
    /// What went wrong when the volume was last used, since it last worked; null: nothing. A changed volume begins without.
    /// </summary>
    public VolumeTrouble? TroubleOf(Volume volume) =>
        _troubles.TryGetValue((volume.Tenant, volume.Id), out var trouble) && trouble.Volume == volume ? trouble : null;

    /// <summary>It could not be used.</summary>
    /// <param name="at">Unix milliseconds.</param>
    public void Failed(Volume volume, string error, long at)
    {
        if (Directory.FindOwn(volume.Tenant, volume.Id) is not null)
            _troubles[(volume.Tenant, volume.Id)] = new(volume, error, at);
    }

    /// <summary>It could be used.</summary>
    public void Worked(Volume volume) => _troubles.TryRemove((volume.Tenant, volume.Id), out _);

    public override void Swap(VolumeDirectory directory)
    {
        base.Swap(directory);
        foreach (var (tenant, id) in _troubles.Keys)
        {
            if (directory.FindOwn(tenant, id) is null)
                _troubles.TryRemove((tenant, id), out _);
        }
    }
}

/// <summary>Why a volume could not be used.</summary>
/// <param name="Error">For a person; names no file.</param>
/// <param name="At">Unix milliseconds.</param>
public sealed record VolumeTrouble(Volume Volume, string Error, long At);
