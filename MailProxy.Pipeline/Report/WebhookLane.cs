using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>One endpoint's own loop: reads the log from the acknowledged position, sends, and keeps how far it is. What it waits for delays nobody else.</summary>
internal sealed partial class WebhookLane(
    WebhookEndpoint endpoint, IDeliveryLog log, HttpMessageInvoker http, ReportOptions options, PipelineMetrics metrics, TimeProvider clock, Func<double> chance, ILogger logger) : IReportLane
{
    private readonly EventStretch _live = new(
        endpoint, log, new(options.WebhookInFlight, endpoint.MaxBatch, endpoint.Progress.Acknowledged, endpoint.Progress.Batches), long.MaxValue, clock, logger);

    private readonly WebhookPost _post = new(endpoint, http, options, clock);
    private readonly EndpointBackoff _backoff = new(options.WebhookDisableAfter, options.Jitter, chance);
    private readonly ProgressKeeper _keeper = new(log, endpoint, clock, logger);
    private readonly WebhookMeter _meter = new(endpoint, log, metrics, clock);
    private readonly List<Task<Answer>> _flights = [];
    private EventStretch? _replay = Replayed(endpoint, log, options, clock, logger);
    private EndpointProgress _progress = endpoint.Progress;
    private long _failedAt, _until;
    private Task _pause = Task.CompletedTask;
    private volatile TaskCompletionSource _hurry = NewSignal();

    public WebhookEndpoint Endpoint => endpoint;

    public void Measure() => _meter.Show();

    public void RunNow() => _hurry.TrySetResult();

    public async Task RunAsync(CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var stopping = Task.Delay(Timeout.InfiniteTimeSpan, clock, end.Token);
        try
        {
            while (!stop.IsCancellationRequested && _progress.DisabledAt is null)
            {
                await ReadAsync(end.Token);
                _keeper.Save(Progress(), end.Token);
                Start(end.Token); // batches only when their cut is kept
                _meter.Keep(_live.Outbox);
                await Task.WhenAny([stopping, .. Waits()]);
                await LandAsync();
                if (_hurry.Task.IsCompleted) Hurry();
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

    private static EventStretch? Replayed(WebhookEndpoint endpoint, IDeliveryLog log, ReportOptions options, TimeProvider clock, ILogger logger) =>
        endpoint.Progress.Replay is { } replay
            ? new(endpoint, log, new(options.WebhookInFlight, endpoint.MaxBatch, replay.Acknowledged, replay.Batches), replay.Through, clock, logger)
            : null;

    private EndpointProgress Progress() => _progress with
    {
        Acknowledged = _live.Outbox.Acknowledged,
        Batches = _live.Outbox.Kept,
        Replay = _replay is { } replay ? new(replay.Outbox.Acknowledged, replay.Through, replay.Outbox.Kept) : null,
    };

    private IEnumerable<Task> Waits()
    {
        yield return _hurry.Task;
        if (_live.More is { } more) yield return more;
        if (_replay?.More is { } told) yield return told;
        if (!_pause.IsCompleted) yield return _pause;
        if (!_keeper.Write.IsCompleted) yield return _keeper.Write;
        foreach (var flight in _flights) yield return flight;
    }

    private async Task ReadAsync(CancellationToken stop)
    {
        await _live.ReadAsync(stop);
        _live.Outbox.Cut();
        if (_replay is null) return;
        await _replay.ReadAsync(stop);
        _replay.Outbox.Cut();
        if (!_replay.IsOver) return;
        Log.Replayed(logger, endpoint.Id, _replay.Through);
        _replay = null;
    }

    private void Start(CancellationToken stop)
    {
        if (_progress.Failures == 0)
        {
            while (Next() is { } next) _flights.Add(FlyAsync(next.From, next.Request, probe: false, stop));
            return;
        }

        // A clock that was set back must not make the wait an hour longer.
        var now = Now();
        var left = now < _failedAt ? 0 : _until - now;
        if (left > 0)
        {
            if (_pause.IsCompleted) _pause = Task.Delay(TimeSpan.FromMilliseconds(left), clock, stop);
        }
        else if (_flights.Count == 0 && Probe() is { } probe)
        {
            _flights.Add(FlyAsync(probe.From, probe.Request, probe: true, stop));
        }
    }

    /// <summary>What is new goes before what is told once more.</summary>
    private (Outbox From, OutboxRequest Request)? Next()
    {
        if (_flights.Count >= options.WebhookInFlight) return null;
        if (_live.Outbox.Next(_keeper.Saved.Batches) is { } next) return (_live.Outbox, next);
        return _replay?.Outbox.Next(_keeper.Saved.Replay?.Batches) is { } again ? (_replay.Outbox, again) : null;
    }

    private (Outbox From, OutboxRequest Request)? Probe()
    {
        if (_live.Outbox.Probe(_keeper.Saved.Batches) is { } probe) return (_live.Outbox, probe);
        return _replay?.Outbox.Probe(_keeper.Saved.Replay?.Batches) is { } again ? (_replay.Outbox, again) : null;
    }

    private void Hurry()
    {
        _hurry = NewSignal();
        _until = 0;
    }

    private async Task<Answer> FlyAsync(Outbox from, OutboxRequest request, bool probe, CancellationToken stop) =>
        new(from, request, probe, await _post.SendAsync(request.Id, request.Body, wantsAnswer: false, stop));

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
        answer.From.End(answer.Request, acknowledged: answer.Result is WebhookResult.Acknowledged);
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

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private readonly record struct Answer(Outbox From, OutboxRequest Request, bool Probe, WebhookResult Result);

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

        [LoggerMessage(636, LogLevel.Information, "The replay for webhook {Endpoint} is over, through position {Through}")]
        public static partial void Replayed(ILogger logger, string endpoint, long through);
    }
}
