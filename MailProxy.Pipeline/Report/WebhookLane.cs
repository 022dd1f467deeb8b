using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>One endpoint's own loop: reads the log from the acknowledged position, sends, and keeps how far it is. What it waits for delays nobody else.</summary>
internal sealed partial class WebhookLane(
    WebhookEndpoint endpoint, IDeliveryLog log, HttpMessageInvoker http, ReportOptions options, PipelineMetrics metrics, TimeProvider clock, Func<double> chance, ILogger logger)
{
    // Events held in memory for one endpoint: what a slow strand may be ahead of by.
    private const int Ahead = 1000;
    private const int Page = 250;
    private static readonly TimeSpan BetweenReads = TimeSpan.FromSeconds(5);

    private readonly Outbox _outbox = new(options.WebhookInFlight, endpoint.MaxBatch, endpoint.Progress.Acknowledged);
    private readonly WebhookPost _post = new(endpoint, http, options, clock);
    private readonly EndpointFilter _filter = new(endpoint);
    private readonly EndpointBackoff _backoff = new(options.WebhookDisableAfter, options.Jitter, chance);
    private readonly ProgressKeeper _keeper = new(log, endpoint, clock, logger);
    private readonly WebhookMeter _meter = new(endpoint, log, metrics, clock);
    private readonly List<Task<Answer>> _flights = [];
    private EndpointProgress _progress = endpoint.Progress;
    private long _failedAt, _until;
    private Task _more = Task.CompletedTask;
    private Task _pause = Task.CompletedTask;

    /// <summary>What it was started with.</summary>
    public WebhookEndpoint Endpoint => endpoint;

    /// <summary>Shows how far behind the endpoint is now.</summary>
    public void Measure() => _meter.Show();

    /// <summary>Runs until it is told to stop or the endpoint is disabled.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var stopping = Task.Delay(Timeout.InfiniteTimeSpan, clock, end.Token);
        try
        {
            while (!stop.IsCancellationRequested && _progress.DisabledAt is null)
            {
                await ReadAsync(end.Token);
                Start(end.Token);
                _keeper.Save(Progress(), end.Token);
                _meter.Keep(_outbox);
                await Task.WhenAny([stopping, .. Waits()]);
                await LandAsync();
            }
        }
        finally
        {
            // Nothing outlives the lane: requests are let go, and what was acknowledged until now is kept.
            await end.CancelAsync();
            await Task.WhenAll(_flights);
            await LandAsync();
            await _keeper.CloseAsync(Progress());
            _meter.Remove();
        }
    }

    private bool IsFull => _outbox.Count >= Ahead;

    private EndpointProgress Progress() => _progress with { Acknowledged = _outbox.Acknowledged };

    private IEnumerable<Task> Waits()
    {
        if (!IsFull) yield return _more;
        if (!_pause.IsCompleted) yield return _pause;
        if (!_keeper.Write.IsCompleted) yield return _keeper.Write;
        foreach (var flight in _flights) yield return flight;
    }

    private async Task ReadAsync(CancellationToken stop)
    {
        if (IsFull || !_more.IsCompleted) return;
        try
        {
            if (log.Last > _outbox.Read)
            {
                var (events, through) = await log.ReadAsync(endpoint.Tenant, _outbox.Read, Page);
                _outbox.Add(events.Where(_filter.Wants), through);
            }

            _more = log.WaitBeyondAsync(_outbox.Read, stop);
        }
        catch (StoreUnavailableException unavailable)
        {
            Log.Unread(logger, endpoint.Id, unavailable);
            _more = Task.Delay(BetweenReads, clock, stop);
        }
    }

    private void Start(CancellationToken stop)
    {
        if (_progress.Failures == 0)
        {
            while (_outbox.Next() is { } next) _flights.Add(FlyAsync(next, probe: false, stop));
            return;
        }

        // A clock that was set back must not make the wait an hour longer.
        var now = Now();
        var left = now < _failedAt ? 0 : _until - now;
        if (left > 0)
        {
            if (_pause.IsCompleted) _pause = Task.Delay(TimeSpan.FromMilliseconds(left), clock, stop);
        }
        else if (_outbox.Probe() is { } probe)
        {
            _flights.Add(FlyAsync(probe, probe: true, stop));
        }
    }

    private async Task<Answer> FlyAsync(OutboxRequest request, bool probe, CancellationToken stop) => new(request, probe, await _post.SendAsync(request, stop));

    private async Task LandAsync()
    {
        for (var i = _flights.Count - 1; i >= 0; i--)
        {
            if (!_flights[i].IsCompleted) continue;
            var answer = await _flights[i];
            _flights.RemoveAt(i);
            await TakeAsync(answer);
        }
    }

    private async Task TakeAsync(Answer answer)
    {
        _outbox.End(answer.Request, acknowledged: answer.Result is WebhookResult.Acknowledged);
        if (answer.Result is WebhookResult.LetGo) return;
        _meter.Count(answer.Result);
        switch (answer.Result)
        {
            case WebhookResult.Acknowledged:
                _keeper.Acknowledged();
                if (!answer.Probe) break;
                Log.Recovered(logger, endpoint.Id, _progress.Failures);
                _progress = _progress with { FailingSince = null, Failures = 0, LastError = null };
                break;
            case WebhookResult.Gone:
                await DisableAsync(_progress with { DisabledAt = Now(), LastError = "Answered with HTTP status 410." }, "gone");
                break;
            // What was under way together fails together: only the first of them, and probes, make the row longer.
            case WebhookResult.Failed failed when _progress.Failures == 0 || answer.Probe:
                await FailAsync(failed);
                break;
        }
    }

    private async Task FailAsync(WebhookResult.Failed failed)
    {
        var now = Now();
        var (progress, until) = _backoff.Failed(_progress, failed.Error, failed.RetryAfter, now);
        if (progress.DisabledAt is not null)
        {
            await DisableAsync(progress, "failing");
            return;
        }

        if (progress.Failures == 1) Log.Failing(logger, endpoint.Id, failed.Error, Rfc3339.Text(until));
        (_progress, _failedAt, _until) = (progress, now, until);
    }

    private async Task DisableAsync(EndpointProgress progress, string reason)
    {
        if (_progress.DisabledAt is not null) return;
        _progress = progress;
        Log.Disabled(logger, endpoint.Id, progress.LastError);
        var detail = EventDetail.Make((endpoint.Id, reason, progress), static (json, told) =>
        {
            json.WriteString("webhook"u8, told.Id);
            json.WriteString("reason"u8, told.reason);
            if (told.progress.FailingSince is { } since) json.WriteString("failing_since"u8, Rfc3339.Text(since));
            json.WriteString("last_error"u8, told.progress.LastError);
        });
        try
        {
            await log.AppendAsync(endpoint.Tenant, EventType.WebhookDisabled, null, detail, Now());
        }
        catch (StoreUnavailableException unavailable)
        {
            Log.NotTold(logger, endpoint.Id, unavailable);
        }
    }

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private readonly record struct Answer(OutboxRequest Request, bool Probe, WebhookResult Result);

    private static partial class Log
    {
        [LoggerMessage(630, LogLevel.Warning, "Webhook {Endpoint} fails: {Error} It is tried again at {Until}, then ever less often")]
        public static partial void Failing(ILogger logger, string endpoint, string error, string until);

        [LoggerMessage(631, LogLevel.Information, "Webhook {Endpoint} answers again after {Failures} failures")]
        public static partial void Recovered(ILogger logger, string endpoint, int failures);

        [LoggerMessage(632, LogLevel.Error, "Webhook {Endpoint} is disabled: {Error}")]
        public static partial void Disabled(ILogger logger, string endpoint, string? error);

        [LoggerMessage(633, LogLevel.Error, "The event that webhook {Endpoint} was disabled could not be stored and is lost")]
        public static partial void NotTold(ILogger logger, string endpoint, Exception fault);

        [LoggerMessage(634, LogLevel.Warning, "The events for webhook {Endpoint} cannot be read now; trying again")]
        public static partial void Unread(ILogger logger, string endpoint, Exception fault);
    }
}
