using System.Collections.Concurrent;
using System.Collections.Frozen;

namespace MailProxy.Pipeline.Configuration.Volumes;

/// <summary>The volumes that the stages use.</summary>
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
