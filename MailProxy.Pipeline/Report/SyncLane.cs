using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>
/// The loop of one endpoint of style sync: one call at a time, whose answer decides about the next. What it waits for delays no other
/// endpoint.
/// </summary>
internal sealed partial class SyncLane(
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
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(5);
    private const int Page = 250;

    private readonly WebhookPost _post = new(endpoint, http, options, clock, requests, answers: answers);
    private readonly EndpointHealth _health = new(endpoint, log, new(options.WebhookDisableAfter, options.Jitter, chance), clock, logger);
    private readonly ProgressKeeper _keeper = new(log, endpoint, clock, logger);
    private readonly WebhookMeter _meter = new(endpoint, log, metrics, clock);
    private volatile TaskCompletionSource _hurry = NewSignal();

    public WebhookEndpoint Endpoint => endpoint;

    public void Measure() => _meter.Show();

    public void RunNow(bool byTenant) => _hurry.TrySetResult();

    public async Task RunAsync(CancellationToken stop)
    {
        if (await OpenAsync(stop) is not { } conversation)
            return;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var stopping = Task.Delay(Timeout.InfiniteTimeSpan, clock, end.Token);
        var live = new EventLogReader(endpoint, log, conversation.Live, long.MaxValue, clock, logger);
        var replay = conversation.Replay is { } queue
            ? new EventLogReader(endpoint, log, queue, endpoint.Progress.Replay!.Through, clock, logger)
            : null;
        EndpointProgress Progress() =>
            _health.In(
                conversation.In(
                    new(0)
                    {
                        Replay = conversation.Replay is { } told && replay is not null ? new(told.Acknowledged, replay.Through) : null,
                    }
                )
            );

        try
        {
            while (!stop.IsCancellationRequested && !_health.IsDisabled)
            {
                await live.ReadAsync(end.Token);
                if (replay is not null)
                    await replay.ReadAsync(end.Token);
                if (replay is { IsOver: true })
                {
                    Log.Replayed(logger, endpoint.Id, replay.Through);
                    replay = null;
                    conversation.ReplayIsOver();
                }

                conversation.Join();
                if (_hurry.Task.IsCompleted)
                    Hurry(conversation);
                Measure(conversation);
                _keeper.Save(Progress(), end.Token);
                if (Left(conversation) is var left && left <= 0)
                {
                    await CallAsync(conversation, end.Token);
                    continue;
                }

                using var waiting = CancellationTokenSource.CreateLinkedTokenSource(end.Token);
                var timer = Task.Delay(
                    left < LongestWait.TotalMilliseconds ? TimeSpan.FromMilliseconds(left) : LongestWait,
                    clock,
                    waiting.Token
                );

                // Checked again after the timer is set: if the clock has moved in between, the timer would fire late.
                if (Left(conversation) > 0)
                {
                    Task[] waits =
                    [
                        stopping,
                        timer,
                        _hurry.Task,
                        .. new[] { live.More, replay?.More, _keeper.Write.IsCompleted ? null : _keeper.Write }.OfType<Task>(),
                    ];
                    await Task.WhenAny(waits);
                }

                await waiting.CancelAsync();
            }
        }
        finally
        {
            // No task outlives the lane, and everything acknowledged so far is stored.
            await end.CancelAsync();
            await _keeper.CloseAsync(Progress());
            _meter.Remove();
        }
    }

    /// <summary>Reads the messages that the stored resends are about. Null when it was stopped.</summary>
    private async Task<SyncConversation?> OpenAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var messages = new List<KeyValuePair<long, string>>();
                foreach (var page in endpoint.Progress.Resends.Keys.Chunk(Page))
                {
                    foreach (var one in await log.AtAsync(endpoint.Tenant, page))
                        messages.Add(new(one.Position, one.MessageId ?? ""));
                }

                return new(endpoint.Progress, endpoint.MaxBatch, messages, options.WebhookDisableAfter, options.Jitter, chance);
            }
            catch (StoreUnavailableException error)
            {
                Log.Unread(logger, endpoint.Id, error);
                await PauseAsync(stop);
            }
        }

        return null;
    }

    private async Task CallAsync(SyncConversation conversation, CancellationToken stop)
    {
        var call = conversation.Cut(Now());
        IReadOnlyList<MailEvent> again = [];
        try
        {
            if (call.Again.Count > 0)
                again = await log.AtAsync(endpoint.Tenant, call.Again);
        }
        catch (StoreUnavailableException error)
        {
            Log.Unread(logger, endpoint.Id, error);
            await PauseAsync(stop);
            return;
        }

        MailEvent[] told = [.. again, .. call.Fresh, .. call.Replayed];
        var result = await _post.SendAsync($"sync_{Guid.CreateVersion7():N}", SyncReport.Write(told), told, wantsAnswer: true, stop);
        if (result is WebhookResult.Cancelled)
            return;
        _meter.Count(result);
        switch (result)
        {
            case WebhookResult.Acknowledged answered:
                foreach (var position in conversation.Answered(call, SyncAnswer.Read(answered.Body), Now()))
                    Log.GaveUp(logger, endpoint.Id, position);
                _keeper.Acknowledged();
                _health.Succeeded();
                break;
            case WebhookResult.Gone:
                await _health.GoneAsync();
                break;
            case WebhookResult.Failed failed:
                conversation.Failed(Now());
                await _health.FailedAsync(failed);
                break;
        }
    }

    private long Left(SyncConversation conversation)
    {
        var now = Now();
        return _health.IsFailing ? _health.Wait : conversation.NextCall(now) - now;
    }

    private void Hurry(SyncConversation conversation)
    {
        _hurry = NewSignal();
        _health.Hurry();
        conversation.Hurry();
    }

    private void Measure(SyncConversation conversation)
    {
        var oldest = Math.Min(conversation.Live.Oldest?.At ?? long.MaxValue, conversation.OldestResend ?? long.MaxValue);
        _meter.Keep(oldest == long.MaxValue ? null : oldest, conversation.Live.Count + conversation.Resends, conversation.Live.Read);
    }

    private async Task PauseAsync(CancellationToken stop)
    {
        try
        {
            await Task.Delay(AfterTrouble, clock, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The loop checks the stop token.
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static partial class Log
    {
        [LoggerMessage(640, LogLevel.Warning, "The events for webhook {Endpoint} cannot be read now; trying again")]
        public static partial void Unread(ILogger logger, string endpoint, Exception fault);

        [LoggerMessage(
            641,
            LogLevel.Warning,
            "Webhook {Endpoint} has named the message of event {Position} in error for 75 hours; the event is not sent again"
        )]
        public static partial void GaveUp(ILogger logger, string endpoint, long position);

        [LoggerMessage(642, LogLevel.Information, "The replay for webhook {Endpoint} is finished, through position {Through}")]
        public static partial void Replayed(ILogger logger, string endpoint, long through);
    }
}
