using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Memory for rendering stored messages for people, apart from what submissions use, so that reading never keeps mail out.
/// </summary>
internal sealed class RenderMemory
{
    /// <summary>Texts, decoded content and the rendered message, beside the stored JSON.</summary>
    private const int TimesItsSize = 4;

    private readonly SharedCapacity _bytes;
    private readonly IngestOptions _limits;
    private readonly TimeProvider _clock;

    public RenderMemory(IngestOptions limits, TenantShare share, TenantShares shares, TimeProvider clock)
    {
        (_limits, _clock) = (limits, clock);
        _bytes = new(limits.RequestBytes, share);
        shares.Add("render_bytes", _bytes);
    }

    /// <summary>Throws <see cref="OverloadedException"/> when there is no capacity within a request's wait.</summary>
    public async ValueTask<IDisposable> TakeAsync(HttpContext http, long size)
    {
        // The largest takes half: one at a time for a tenant, and another tenant's beside it.
        var amount = Math.Min(size * TimesItsSize, _bytes.Capacity / 2);
        var wait = new WaitBudget(_limits.RequestWait, _clock);
        IDisposable? charge = null;
        var tenant = Caller.Of(http).Tenant;
        await wait.TryAsync(async (at, cancel) => charge = await at.TakeAsync(tenant, amount, cancel), _bytes, http.RequestAborted);
        return charge ?? throw new OverloadedException();
    }
}
