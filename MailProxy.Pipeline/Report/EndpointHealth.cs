using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>The state of an endpoint: answering, failing until a time, or disabled. Used by its lane's loop only.</summary>
internal sealed partial class EndpointHealth(
    WebhookEndpoint endpoint,
    IDeliveryLog log,
    EndpointBackoff backoff,
    TimeProvider clock,
    ILogger logger
)
{
    private EndpointProgress _progress = endpoint.Progress;
    private long _failedAt,
        _until;
    private long? _stamp; // monotonic time of the last failure in this run

    public bool IsFailing => _progress.Failures > 0;

    public bool IsDisabled => _progress.DisabledAt is not null;

    /// <summary>Milliseconds until the endpoint may be tried again.</summary>
    public long Wait
    {
        get
        {
            // If the clock was set back, the wait must not become longer.
            var now = Now();
            return !IsFailing || now < _failedAt ? 0 : Math.Max(0, _until - now);
        }
    }

    /// <summary>Copies the failure state into the progress that is to be stored.</summary>
    public EndpointProgress In(EndpointProgress progress) =>
        progress with
        {
            FailingSince = _progress.FailingSince,
            Failures = _progress.Failures,
            DisabledAt = _progress.DisabledAt,
            LastError = _progress.LastError,
        };

    /// <summary>An operator wants the endpoint tried now.</summary>
    public void Hurry() => _until = 0;

    public void Succeeded()
    {
        if (!IsFailing)
            return;
        Log.Recovered(logger, endpoint.Id, _progress.Failures);
        _progress = _progress.Cleared();
        _stamp = null;
    }

    public Task GoneAsync() => DisableAsync(_progress with { DisabledAt = Now(), LastError = "Answered with HTTP status 410." }, "gone");

    public async Task FailedAsync(WebhookResult.Failed failed)
    {
        var now = Now();
        var (progress, until) = backoff.Failed(
            _progress,
            failed.Error,
            failed.RetryAfter,
            now,
            _stamp is { } stamp ? (_failedAt, clock.GetElapsedTime(stamp)) : null
        );
        if (progress.DisabledAt is not null)
        {
            await DisableAsync(progress, "failing");
            return;
        }

        if (progress.Failures == 1)
            Log.Failing(logger, endpoint.Id, failed.Error, Timestamps.Write(until));
        (_progress, _failedAt, _until, _stamp) = (progress, now, until, clock.GetTimestamp());
    }

    private async Task DisableAsync(EndpointProgress progress, string reason)
    {
        if (IsDisabled)
            return;
        _progress = progress;
        Log.Disabled(logger, endpoint.Id, progress.LastError);
        var detail = EventDetail.Make(
            (endpoint.Id, reason, progress),
            static (json, told) =>
            {
                json.WriteString("webhook"u8, told.Id);
                json.WriteString("reason"u8, told.reason);
                if (told.progress.FailingSince is { } since)
                    json.WriteString("failing_since"u8, Timestamps.Write(since));
                json.WriteString("last_error"u8, told.progress.LastError);
            }
        );
        try
        {
            await log.AppendAsync(endpoint.Tenant, EventType.WebhookDisabled, null, detail, Now());
        }
        catch (StoreUnavailableException error)
        {
            Log.EventLost(logger, endpoint.Id, error);
        }
    }

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static partial class Log
    {
        [LoggerMessage(630, LogLevel.Warning, "Webhook {Endpoint} fails: {Error} It is tried again at {Until}, then ever less often")]
        public static partial void Failing(ILogger logger, string endpoint, string error, string until);

        [LoggerMessage(631, LogLevel.Information, "Webhook {Endpoint} answers again after {Failures} failures")]
        public static partial void Recovered(ILogger logger, string endpoint, int failures);

        [LoggerMessage(632, LogLevel.Error, "Webhook {Endpoint} is disabled: {Error}")]
        public static partial void Disabled(ILogger logger, string endpoint, string? error);

        [LoggerMessage(633, LogLevel.Error, "The event that webhook {Endpoint} was disabled could not be stored and is lost")]
        public static partial void EventLost(ILogger logger, string endpoint, Exception fault);
    }
}
