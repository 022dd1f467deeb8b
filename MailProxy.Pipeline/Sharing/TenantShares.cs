using System.Collections.Concurrent;

namespace MailProxy.Pipeline.Sharing;

/// <summary>What a tenant holds now of one shared capacity, and the most that it may hold now, in the capacity's own unit.</summary>
public readonly record struct HeldShare(string Name, long Held, long Allowed);

/// <summary>
/// Every shared capacity under a stable snake_case name with its unit (<c>request_bytes</c>), so that a tenant's part of each can be shown.
/// </summary>
public sealed class TenantShares
{
    private readonly ConcurrentDictionary<string, Shared> _of = new(StringComparer.Ordinal);

    public void Add(string name, SharedCapacity capacity) => Add(name, capacity.Of, () => capacity.Refused);

    /// <param name="of">From a tenant to what it holds and may hold; from any thread.</param>
    /// <param name="refused">How often somebody had to wait or was refused, so far; from any thread. Null: nobody counts.</param>
    public void Add(string name, Func<string, (long Held, long Allowed)> of, Func<long>? refused = null) => _of[name] = new(of, refused);

    /// <summary>How often somebody had to wait for each, or was refused, by name.</summary>
    public IEnumerable<(string Name, long Times)> Refused =>
        _of.Where(static share => share.Value.Refused is not null).Select(static share => (share.Key, share.Value.Refused!()));

    /// <summary>A tenant's part of everything, by name.</summary>
    public IReadOnlyList<HeldShare> Of(string tenant) =>
        [
            .. _of.OrderBy(static share => share.Key, StringComparer.Ordinal)
                .Select(share =>
                {
                    var (held, allowed) = share.Value.Of(tenant);
                    return new HeldShare(share.Key, held, allowed);
                }),
        ];

    private sealed record Shared(Func<string, (long Held, long Allowed)> Of, Func<long>? Refused);
}
