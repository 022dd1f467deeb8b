using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// The memory for bodies between Resolve and the end of an attempt; each tenant has its share of it. A body beyond a quarter of the
/// whole counts as a quarter, so that one whose server takes ten minutes for it leaves the others capacity. Of those there are two at a
/// time, and of one tenant one.
/// </summary>
internal sealed class BodyMemory(long capacity, TenantShare share)
{
    private const int LargeAtATime = 2;

    private readonly SharedCapacity _large = new(LargeAtATime, share);

    public SharedCapacity Bytes { get; } = new(capacity, share);

    private long Most => capacity / 4;

    // Who is the only tenant has both places, and so one at a time too.
    private long Places => Math.Max(1, share.Of(LargeAtATime, 0));

    /// <summary>Null: the tenant has to wait.</summary>
    public IDisposable? TryTake(string tenant, long bytes)
    {
        if (bytes <= Most)
            return Bytes.TryTake(tenant, bytes);
        if (_large.TryTake(tenant, Places) is not { } place)
            return null;
        if (Bytes.TryTake(tenant, Most) is { } charge)
            return new Both(place, charge);
        place.Dispose();
        return null;
    }

    /// <summary>Waits for capacity, tenant by tenant in turn. It is given back when the result is disposed.</summary>
    public async ValueTask<IDisposable> TakeAsync(string tenant, long bytes, CancellationToken cancel)
    {
        if (bytes <= Most)
            return await Bytes.TakeAsync(tenant, bytes, cancel);
        var place = await _large.TakeAsync(tenant, Places, cancel);
        try
        {
            return new Both(place, await Bytes.TakeAsync(tenant, Most, cancel));
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }

    private sealed class Both(IDisposable place, IDisposable charge) : IDisposable
    {
        public void Dispose()
        {
            charge.Dispose();
            place.Dispose();
        }
    }
}
