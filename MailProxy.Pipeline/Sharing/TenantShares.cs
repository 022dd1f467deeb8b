using System.Collections.Concurrent;

namespace MailProxy.Pipeline.Sharing;

/// <summary>What a tenant holds now of one shared capacity, and the most that it may hold now, in the capacity's own unit.</summary>
public readonly record struct HeldShare(string Name, long Held, long Allowed);

/// <summary>Every shared capacity under a stable snake_case name with its unit (<c>request_bytes</c>), so that a tenant's part of each can be shown.</summary>
public sealed class TenantShares
{
    private readonly ConcurrentDictionary<string, Func<string, (long Held, long Allowed)>> _of = new(StringComparer.Ordinal);

    public void Add(string name, SharedCapacity capacity) => Add(name, capacity.Of);

    /// <param name="of">From a tenant to what it holds and may hold; from any thread.</param>
    public void Add(string name, Func<string, (long Held, long Allowed)> of) => _of[name] = of;

    /// <summary>A tenant's part of everything, by name.</summary>
    public IReadOnlyList<HeldShare> Of(string tenant) =>
    [
        .. _of.OrderBy(static share => share.Key, StringComparer.Ordinal).Select(share =>
        {
            var (held, allowed) = share.Value(tenant);
            return new HeldShare(share.Key, held, allowed);
        }),
    ];
}
