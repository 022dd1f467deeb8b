using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// The memory for bodies between Resolve and the end of an attempt; each tenant has a share of it. A body larger than a quarter of the
/// budget is charged as a quarter, so that one that takes ten minutes to send leaves capacity for others. At most two such bodies are held
/// at a time, and one per tenant.
/// </summary>
internal sealed class BodyMemory(long capacity, TenantShare share)
{
    private const int LargeAtATime = 2;

    private readonly SharedCapacity _large = new(LargeAtATime, share);

    public SharedCapacity Bytes { get; } = new(capacity, share);

    private long Most => capacity / 4;

    // A tenant that is alone takes both slots for a large body, so it too has one at a time.
    private long Slots => Math.Max(1, share.Of(LargeAtATime, 0));

    /// <summary>Takes capacity without waiting; null when the tenant has to wait.</summary>
    public IDisposable? TryTake(string tenant, long bytes)
    {
        if (bytes <= Most)
            return Bytes.TryTake(tenant, bytes);
        if (_large.TryTake(tenant, Slots) is not { } slot)
            return null;
        if (Bytes.TryTake(tenant, Most) is { } charge)
            return new Both(slot, charge);
        slot.Dispose();
        return null;
    }

    /// <summary>Waits for capacity; waiting tenants are served in turn. Disposing the result gives the capacity back.</summary>
    public async ValueTask<IDisposable> TakeAsync(string tenant, long bytes, CancellationToken cancel)
    {
        if (bytes <= Most)
            return await Bytes.TakeAsync(tenant, bytes, cancel);
        var slot = await _large.TakeAsync(tenant, Slots, cancel);
        try
        {
            return new Both(slot, await Bytes.TakeAsync(tenant, Most, cancel));
        }
        catch
        {
            slot.Dispose();
            throw;
        }
    }

    private sealed class Both(IDisposable slot, IDisposable charge) : IDisposable
    {
        public void Dispose()
        {
            charge.Dispose();
            slot.Dispose();
        }
    }
}
