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
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Dictionary<(string Tenant, string Id), (int Version, long Until)> _resting = [];

    /// <summary>Whether the endpoint's lane must not start yet. A change of the endpoint ends its pause.</summary>
    public bool Rests(WebhookEndpoint endpoint)
    {
        var key = (endpoint.Tenant, endpoint.Id);
        if (!_resting.TryGetValue(key, out var rest))
            return false;
        if (rest.Version == endpoint.Version && rest.Until > Now())
            return true;
        _resting.Remove(key);
        return false;
    }

    /// <summary>Completes when the first pause has ended; null when there is none.</summary>
    public Task? Next(CancellationToken stop) =>
        _resting.Count == 0
            ? null
            : Task.Delay(
                TimeSpan.FromMilliseconds(Math.Clamp(_resting.Values.Min(rest => rest.Until) - Now() + 1, 1, 60_000)),
                clock,
                stop
            );

    /// <summary>Reports the error to the operator in the log, and to the endpoint's owner in its state. Throws nothing.</summary>
    public async Task TellAsync(WebhookEndpoint endpoint, Exception unforeseen)
    {
        var until = Now() + (long)Rest.TotalMilliseconds;
        Log.Unforeseen(logger, endpoint.Tenant, endpoint.Id, unforeseen);
        try
        {
            var now = (await log.EndpointsAsync()).FirstOrDefault(one => one.Tenant == endpoint.Tenant && one.Id == endpoint.Id);
            if (now is { Progress.DisabledAt: null })
            {
                var standing = new EndpointHealth(now, log, backoff, clock, logger);
                await standing.FailedAsync(
                    new($"Reporting to it met an error nobody foresaw ({unforeseen.GetType().Name}); the log has it.")
                );
                until = Now() + standing.Wait;
                await log.SaveProgressAsync(now, standing.In(now.Progress)).WaitAsync(Patience, clock);
            }
        }
        catch (Exception error)
        {
            Log.Untold(logger, endpoint.Tenant, endpoint.Id, error);
        }

        _resting[(endpoint.Tenant, endpoint.Id)] = (endpoint.Version, until);
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
        public static partial void Untold(ILogger logger, string tenant, string endpoint, Exception untold);
    }
}
