using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Daemon.Api;

/// <summary>Memory for what requests bring: charged to the tenant as it is filled, and shared.</summary>
internal sealed class RequestMemory
{
    // Of the memory that the process may have: bodies become several times their size, and others need some too.
    private const int Part = 8;

    private readonly SharedCapacity _bytes;
    private readonly IngestOptions _limits;
    private readonly LargeGarbage _garbage;
    private readonly TimeProvider _clock;

    public RequestMemory(IngestOptions limits, TenantShare share, TenantShares shares, LargeGarbage garbage, TimeProvider clock)
    {
        (_limits, _garbage, _clock) = (limits, garbage, clock);
        _bytes = new(Math.Min(limits.RequestBytes, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / Part), share);
        shares.Add("request_bytes", _bytes);
    }

    /// <summary>What one request may be charged beside its body: it must not shut the others out, however much it asks for.</summary>
    public long MostBeside => _bytes.Capacity / 2;

    /// <summary>How long a request may wait for us.</summary>
    public WaitBudget NewWaitBudget() => new(_limits.RequestWait, _clock);

    public ChargedBuffer NewBuffer(HttpContext http, WaitBudget wait) =>
        new(_bytes, Caller.Of(http).Tenant, wait, _garbage, http.RequestAborted);

    public PacedBody NewBody(HttpContext http) => new(http, _limits.MinBodyBytesPerSecond, _limits.BodyGrace, _clock);
}
