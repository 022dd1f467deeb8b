using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Daemon.Api;

/// <summary>
/// The disk for what of requests goes to spool files while it arrives: charged to the tenant before it is written, and shared,
/// so that nobody
/// who sends much, or slowly, fills the disk for all.
/// </summary>
internal sealed partial class RequestSpool
{
    // So many of the largest requests at once.
    private const int Requests = 16;

    private readonly BeginSpool _begin;
    private readonly SharedCapacity _bytes;
    private readonly ILogger<RequestSpool> _logger;
    private bool _fails;

    public RequestSpool(BeginSpool begin, IngestOptions limits, TenantShare share, TenantShares shares, ILogger<RequestSpool> logger)
    {
        (_begin, _logger) = (begin, logger);
        _bytes = new(Requests * limits.MaxRequestBytes, share);
        shares.Add("request_spool_bytes", _bytes);
    }

    /// <summary>The disk that a tenant's request takes.</summary>
    public SpoolCharge NewCharge(string tenant, WaitBudget wait, CancellationToken gone) => new(_bytes, tenant, wait, gone);

    /// <summary>Cuts long strings out of a request.</summary>
    public LongStrings NewCut(RequestShape shape, int threshold) => LongStrings.Of(shape, threshold, () => _begin());

    /// <summary>Writes what was cut out. False: the disk does not take it.</summary>
    public async ValueTask<bool> TryWriteAsync(LongStrings cut)
    {
        try
        {
            await cut.FlushAsync();
            if (Volatile.Read(ref _fails) && Interlocked.Exchange(ref _fails, false))
                Log.DiskWrites(_logger);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Failed(error);
            return false;
        }
    }

    /// <summary>Tells the log, once until it can be written again.</summary>
    public void Failed(Exception error)
    {
        if (!Interlocked.Exchange(ref _fails, true))
            Log.DiskFailed(_logger, error.Message);
    }

    private static partial class Log
    {
        [LoggerMessage(
            940,
            LogLevel.Error,
            "The spool cannot be written; until it can, large requests are answered as unavailable: {Reason}"
        )]
        public static partial void DiskFailed(ILogger logger, string reason);

        [LoggerMessage(941, LogLevel.Information, "The spool can be written again.")]
        public static partial void DiskWrites(ILogger logger);
    }
}

/// <summary>What one request has on the disk before it is stored.</summary>
internal sealed class SpoolCharge(SharedCapacity bytes, string tenant, WaitBudget wait, CancellationToken gone) : IDisposable
{
    private const long Step = 1 << 20;

    private SharedCapacity.Charge? _charge;

    /// <summary>False: there was no room within the request's wait.</summary>
    public ValueTask<bool> GrowAsync(long size)
    {
        var more = size - (_charge?.Amount ?? 0);
        return more <= 0
            ? ValueTask.FromResult(true)
            : wait.TryAsync(static (at, cancel) => at.Self.TakeAsync(at.More, cancel), (Self: this, More: Math.Max(Step, more)), gone);
    }

    public void Dispose() => _charge?.Dispose();

    private async ValueTask TakeAsync(long more, CancellationToken cancel)
    {
        if (_charge is null)
            _charge = await bytes.TakeAsync(tenant, more, cancel);
        else
            await bytes.GrowAsync(_charge, more, cancel);
    }
}
