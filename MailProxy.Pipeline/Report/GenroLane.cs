using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>
/// The loop of one endpoint of style genro or genro_final: one call at a time, which may take minutes; the endpoint is never disabled.
/// What it waits for delays no other endpoint.
/// </summary>
internal sealed partial class GenroLane(
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
) : IReportLane
{
    // The clock is read again after at most this time, because it may step, and the machine may be suspended.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(60);

    // Clients do their own work before they answer.
    private static readonly AnswerTerms Terms = new(TimeSpan.FromMinutes(5), StatusDecides: true);

    private readonly WebhookPost _post = new(endpoint, http, options, clock, requests, Terms, answers);
    private readonly EndpointHealth _health = new(
        endpoint,
        log,
        new EndpointBackoff(options.WebhookDisableAfter, options.Jitter, chance).For(endpoint.Style),
        clock,
        logger
    );
    private readonly ProgressKeeper _keeper = new(log, endpoint, clock, logger);
    private readonly WebhookMeter _meter = new(endpoint, log, metrics, clock);
    private readonly GenroConversation _conversation = new(endpoint.Progress, endpoint.MaxBatch, endpoint.EmptyReports);
    private volatile TaskCompletionSource _hurry = NewSignal();
    private volatile bool _called;

    public WebhookEndpoint Endpoint => endpoint;

    public void Measure() => _meter.Show();

    /// <summary>The tenant's own call comes at once, though there is nothing to tell; the operator's only ends a back-off.</summary>
    public void RunNow(bool byTenant)
    {
        if (byTenant)
            _called = true;
        _hurry.TrySetResult();
    }

    public async Task RunAsync(CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var stopping = Task.Delay(Timeout.InfiniteTimeSpan, clock, end.Token);
        var live = new EventLogReader(endpoint, log, _conversation.Live, long.MaxValue, clock, logger);
        var replay = _conversation.Replay is { } queue
            ? new EventLogReader(endpoint, log, queue, endpoint.Progress.Replay!.Through, clock, logger)
            : null;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                await live.ReadAsync(end.Token);
                if (replay is not null)
                    await replay.ReadAsync(end.Token);
                if (replay is { IsOver: true })
                {
                    replay = null;
                    _conversation.ReplayIsOver();
                }

                if (_hurry.Task.IsCompleted)
                    Hurry();
                _meter.Keep(_conversation.Live.Oldest?.At, _conversation.Live.Count, _conversation.Live.Read);
                _keeper.Save(Progress(replay), end.Token);
                if (Left() is var left && left <= 0)
                {
                    await CallAsync(end.Token);
                    continue;
                }

                await WaitAsync(stopping, left, [live.More, replay?.More], end.Token);
            }
        }
        finally
        {
            // No task outlives the lane, and everything acknowledged so far is stored.
            await end.CancelAsync();
            await _keeper.CloseAsync(Progress(replay));
            _meter.Remove();
        }
    }

    private EndpointProgress Progress(EventLogReader? replay) =>
        _health.In(
            _conversation.In(
                new(0) { Replay = _conversation.Replay is { } told && replay is not null ? new(told.Acknowledged, replay.Through) : null }
            )
        );

    private async Task WaitAsync(Task stopping, long left, Task?[] more, CancellationToken end)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(end);
        var timer = Task.Delay(left < LongestWait.TotalMilliseconds ? TimeSpan.FromMilliseconds(left) : LongestWait, clock, waiting.Token);

        // Checked again after the timer is set: if the clock has moved in between, the timer would fire late.
        if (Left() > 0)
        {
            Task?[] waits = [stopping, timer, _hurry.Task, _keeper.Write.IsCompleted ? null : _keeper.Write, .. more];
            await Task.WhenAny(waits.OfType<Task>());
        }

        await waiting.CancelAsync();
    }

    private async Task CallAsync(CancellationToken stop)
    {
        var call = _conversation.Cut();
        IReadOnlyList<MailEvent> told;
        try
        {
            told = await StillThereAsync([.. call.Fresh, .. call.Replayed]);
        }
        catch (StoreUnavailableException error)
        {
            Log.Unread(logger, endpoint.Id, error);
            _conversation.Failed(Now());
            await _health.FailedAsync(new("The events cannot be read from the store now."));
            return;
        }

        var result = await _post.SendAsync(
            $"genro_{Guid.CreateVersion7():N}",
            GenroReport.Write(told, endpoint.Style),
            told,
            wantsAnswer: true,
            stop
        );
        if (result is WebhookResult.Cancelled)
            return;
        _meter.Count(result);
        if (result is WebhookResult.Acknowledged answered)
        {
            _conversation.Answered(call, SyncAnswer.Read(answered.Body), Now());
            _keeper.Acknowledged();
            _health.Succeeded();
        }
        else
        {
            _conversation.Failed(Now());
            await _health.FailedAsync(result as WebhookResult.Failed ?? new("Answered with HTTP status 410."));
        }
    }

    /// <summary>Leaves out what was removed since it was read ahead: nobody is to hear of it any more.</summary>
    private async Task<IReadOnlyList<MailEvent>> StillThereAsync(MailEvent[] events)
    {
        if (events.Length == 0)
            return events;
        var there = (await log.AtAsync(endpoint.Tenant, [.. events.Select(static one => one.Position)]))
            .Select(static one => one.Position)
            .ToHashSet();
        return [.. events.Where(one => there.Contains(one.Position)).OrderBy(static one => one.Position)];
    }

    private long Left()
    {
        var now = Now();
        var next = _conversation.NextCall(now);
        return Math.Max(_health.IsFailing ? _health.Wait : 0, next == long.MaxValue ? next : next - now);
    }

    private void Hurry()
    {
        _hurry = NewSignal();
        _health.Hurry();
        if (!_called)
            return;
        _called = false;
        _conversation.Hurry();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static partial class Log
    {
        [LoggerMessage(645, LogLevel.Warning, "The events for webhook {Endpoint} cannot be read now; trying again")]
        public static partial void Unread(ILogger logger, string endpoint, Exception fault);
    }
}
