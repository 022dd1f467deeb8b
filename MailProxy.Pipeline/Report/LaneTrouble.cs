using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>
/// Restarts lanes that ended with an unexpected error: the error is recorded as a failure of the endpoint, which backs off like any
/// failing
/// endpoint before its lane starts again. Used by the reporter's loop only.
/// </summary>
internal sealed partial class LaneTrouble(IDeliveryLog log, EndpointBackoff backoff, TimeProvider clock, ILogger logger)
{
    // The pause when even the failure cannot be stored.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SaveTimeout = TimeSpan.FromSeconds(2);

    private readonly Dictionary<(string Tenant, string Id), (long Version, long Until)> _paused = [];

    /// <summary>Whether the endpoint's lane must not start yet. A change of the endpoint ends its pause.</summary>
    public bool IsPaused(WebhookEndpoint endpoint)
    {
        var key = (endpoint.Tenant, endpoint.Id);
        if (!_paused.TryGetValue(key, out var pause))
            return false;
        if (pause.Version == endpoint.Version && pause.Until > Now())
            return true;
        _paused.Remove(key);
        return false;
    }

    /// <summary>Completes when the first pause has ended; null when there is none.</summary>
    public Task? Next(CancellationToken stop) =>
        _paused.Count == 0
            ? null
            : Task.Delay(
                TimeSpan.FromMilliseconds(Math.Clamp(_paused.Values.Min(pause => pause.Until) - Now() + 1, 1, 60_000)),
                clock,
                stop
            );

    /// <summary>Reports the error to the operator in the log, and to the endpoint's owner in its state. Throws nothing.</summary>
    public async Task TellAsync(WebhookEndpoint endpoint, Exception unforeseen)
    {
        var until = Now() + (long)Pause.TotalMilliseconds;
        Log.Unforeseen(logger, endpoint.Tenant, endpoint.Id, unforeseen);
        try
        {
            var now = (await log.EndpointsAsync()).FirstOrDefault(one => one.Tenant == endpoint.Tenant && one.Id == endpoint.Id);
            if (now is { Progress.DisabledAt: null })
            {
                var health = new EndpointHealth(now, log, backoff.For(now.Style), clock, logger);
                await health.FailedAsync(new($"Reporting to it failed unexpectedly ({unforeseen.GetType().Name}); see the log."));
                until = Now() + health.Wait;
                await log.SaveProgressAsync(now, health.In(now.Progress)).WaitAsync(SaveTimeout, clock);
            }
        }
        catch (Exception error)
        {
            Log.NotStored(logger, endpoint.Tenant, endpoint.Id, error);
        }

        _paused[(endpoint.Tenant, endpoint.Id)] = (endpoint.Version, until);
    }

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static partial class Log
    {
        [LoggerMessage(
            621,
            LogLevel.Error,
            "Reporting to webhook {Tenant}/{Endpoint} failed unexpectedly; it is tried again, and other webhooks are not affected"
        )]
        public static partial void Unforeseen(ILogger logger, string tenant, string endpoint, Exception unforeseen);

        [LoggerMessage(622, LogLevel.Warning, "The failure of webhook {Tenant}/{Endpoint} could not be stored")]
        public static partial void NotStored(ILogger logger, string tenant, string endpoint, Exception error);
    }
}
