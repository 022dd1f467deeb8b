using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>
/// The loop of one endpoint of style events: reads the log from the acknowledged position, sends, and stores its progress. What it waits
/// for
/// delays no other endpoint.
/// </summary>
internal sealed partial class WebhookLane : IReportLane
{
    private readonly ReportOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly WebhookPost _post;
    private readonly EndpointHealth _health;
    private readonly ProgressKeeper _keeper;
    private readonly WebhookMeter _meter;
    private readonly Part _live;
    private readonly List<Task<Answer>> _flights = [];
    private Part? _replay;
    private Task _pause = Task.CompletedTask;
    private volatile TaskCompletionSource _hurry = NewSignal();

    public WebhookLane(
        WebhookEndpoint endpoint,
        IDeliveryLog log,
        HttpMessageInvoker http,
        ReportOptions options,
        PipelineMetrics metrics,
        TimeProvider clock,
        Func<double> chance,
        ILogger logger,
        SharedCapacity? requests = null,
        EndpointAnswers? answers = null
    )
    {
        (Endpoint, _options, _clock, _logger) = (endpoint, options, clock, logger);
        _post = new(endpoint, http, options, clock, requests, answers: answers);
        _health = new(endpoint, log, new(options.WebhookDisableAfter, options.Jitter, chance), clock, logger);
        _keeper = new(log, endpoint, clock, logger);
        _meter = new(endpoint, log, metrics, clock);
        Part From(long acknowledged, string? batches, long through)
        {
            var outbox = new Outbox(options.WebhookInFlight, endpoint.MaxBatch, acknowledged, batches);
            return new(outbox, new(endpoint, log, outbox, through, clock, logger));
        }

        var progress = endpoint.Progress;
        _live = From(progress.Acknowledged, progress.Batches, long.MaxValue);
        if (progress.Replay is { } replay)
            _replay = From(replay.Acknowledged, replay.Batches, replay.Through);
    }

    public WebhookEndpoint Endpoint { get; }

    public void Measure() => _meter.Show();

    public void RunNow(bool byTenant) => _hurry.TrySetResult();

    public async Task RunAsync(CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var stopping = Task.Delay(Timeout.InfiniteTimeSpan, _clock, end.Token);
        try
        {
            while (!stop.IsCancellationRequested && !_health.IsDisabled)
            {
                await ReadAsync(end.Token);
                _keeper.Save(Progress(), end.Token);
                Start(end.Token); // a batch only once its cut is stored
                _meter.Keep(_live.Outbox.Oldest?.At, _live.Outbox.Count, _live.Outbox.Read);
                await Task.WhenAny([stopping, .. Waits()]);
                await LandAsync();
                if (_hurry.Task.IsCompleted)
                    Hurry();
            }
        }
        finally
        {
            // No task outlives the lane: requests are cancelled, and everything acknowledged so far is stored.
            await end.CancelAsync();
            await Task.WhenAll(_flights);
            await LandAsync();
            await _keeper.CloseAsync(Progress());
            _meter.Remove();
        }
    }

    private EndpointProgress Progress() =>
        _health.In(
            new(_live.Outbox.Acknowledged)
            {
                Batches = _live.Outbox.Kept,
                Replay = _replay is { } replay ? new(replay.Outbox.Acknowledged, replay.Reader.Through, replay.Outbox.Kept) : null,
            }
        );

    private IEnumerable<Task> Waits()
    {
        yield return _hurry.Task;
        if (_live.Reader.More is { } more)
            yield return more;
        if (_replay?.Reader.More is { } told)
            yield return told;
        if (!_pause.IsCompleted)
            yield return _pause;
        if (!_keeper.Write.IsCompleted)
            yield return _keeper.Write;
        foreach (var flight in _flights)
            yield return flight;
    }

    private async Task ReadAsync(CancellationToken stop)
    {
        await _live.Reader.ReadAsync(stop);
        _live.Outbox.Cut();
        if (_replay is null)
            return;
        await _replay.Reader.ReadAsync(stop);
        _replay.Outbox.Cut();
        if (!_replay.Reader.IsOver)
            return;
        Log.Replayed(_logger, Endpoint.Id, _replay.Reader.Through);
        _replay = null;
    }

    private void Start(CancellationToken stop)
    {
        if (!_health.IsFailing)
        {
            while (Next() is { } next)
                _flights.Add(FlyAsync(next.From, next.Request, probe: false, stop));
            return;
        }

        if (!Pause(stop) && _flights.Count == 0 && Probe() is { } probe)
            _flights.Add(FlyAsync(probe.From, probe.Request, probe: true, stop));
    }

    /// <summary>Whether the endpoint has to wait; starts the timer when it has.</summary>
    private bool Pause(CancellationToken stop)
    {
        for (var wait = _health.Wait; wait > 0; )
        {
            if (_pause.IsCompleted)
                _pause = Task.Delay(TimeSpan.FromMilliseconds(wait), _clock, stop);

            // Checked again after the timer is set: if the clock has moved in between, the timer would fire late.
            var again = _health.Wait;
            if (again == wait)
                return true;
            (_pause, wait) = (Task.CompletedTask, again);
        }

        return false;
    }

    /// <summary>The next request to send; new events go before replayed ones.</summary>
    private (Outbox From, OutboxRequest Request)? Next()
    {
        if (_flights.Count >= _options.WebhookInFlight)
            return null;
        if (_live.Outbox.Next(_keeper.Saved.Batches) is { } next)
            return (_live.Outbox, next);
        return _replay?.Outbox.Next(_keeper.Saved.Replay?.Batches) is { } again ? (_replay.Outbox, again) : null;
    }

    private (Outbox From, OutboxRequest Request)? Probe()
    {
        if (_live.Outbox.Probe(_keeper.Saved.Batches) is { } probe)
            return (_live.Outbox, probe);
        return _replay?.Outbox.Probe(_keeper.Saved.Replay?.Batches) is { } again ? (_replay.Outbox, again) : null;
    }

    private void Hurry()
    {
        _hurry = NewSignal();
        _health.Hurry();
    }

    private async Task<Answer> FlyAsync(Outbox from, OutboxRequest request, bool probe, CancellationToken stop) =>
        new(from, request, probe, await _post.SendAsync(request.Id, request.Body, request.Events, wantsAnswer: false, stop));

    private async Task LandAsync()
    {
        for (var i = _flights.Count - 1; i >= 0; i--)
        {
            if (!_flights[i].IsCompleted)
                continue;
            var answer = await _flights[i];
            _flights.RemoveAt(i);
            await TakeAsync(answer);
        }
    }

    private async Task TakeAsync(Answer answer)
    {
        answer.From.End(answer.Request, acknowledged: answer.Result is WebhookResult.Acknowledged);
        if (answer.Result is WebhookResult.Cancelled)
            return;
        _meter.Count(answer.Result);
        switch (answer.Result)
        {
            case WebhookResult.Acknowledged:
                _keeper.Acknowledged();
                if (answer.Probe)
                    _health.Succeeded();
                break;
            case WebhookResult.Gone:
                await _health.GoneAsync();
                break;
            // Requests that were in flight together fail together: only the first of them, and probes, make the series of failures longer.
            case WebhookResult.Failed failed when !_health.IsFailing || answer.Probe:
                await _health.FailedAsync(failed);
                break;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly record struct Answer(Outbox From, OutboxRequest Request, bool Probe, WebhookResult Result);

    /// <summary>A part of the log: its unacknowledged events, and their reader.</summary>
    private sealed record Part(Outbox Outbox, EventLogReader Reader);

    private static partial class Log
    {
        [LoggerMessage(636, LogLevel.Information, "The replay for webhook {Endpoint} is finished, through position {Through}")]
        public static partial void Replayed(ILogger logger, string endpoint, long through);
    }
}
