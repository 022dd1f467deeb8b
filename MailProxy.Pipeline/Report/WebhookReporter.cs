using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>Keeps one lane running for each enabled webhook.</summary>
internal sealed partial class WebhookReporter(
    IDeliveryLog log,
    HttpMessageInvoker http,
    ReportOptions options,
    PipelineMetrics metrics,
    TimeProvider clock,
    Func<double> chance,
    ILogger logger,
    TenantShare? share = null,
    EndpointAnswers? answers = null,
    Func<bool>? isOurs = null
)
{
    private static readonly TimeSpan BetweenReads = TimeSpan.FromSeconds(5);

    private readonly SharedCapacity _requests = new(options.WebhookRequests, share ?? TenantShare.Unlimited);
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Tenant, string Id), Running> _running = [];
    private readonly HashSet<(string Tenant, string Id)> _ended = [];
    private readonly LaneTrouble _trouble = new(log, new(options.WebhookDisableAfter, options.Jitter, chance), clock, logger);
    private TaskCompletionSource _changed = NewSignal();
    private IReportLane[] _lanes = [];
    private bool _unread;

    /// <summary>The endpoints have changed in the store: lanes are started, stopped and restarted accordingly.</summary>
    public void Refresh()
    {
        lock (_gate)
            _changed.TrySetResult();
    }

    /// <summary>Registers each tenant's use of requests in flight.</summary>
    public void ShowIn(TenantShares shares) => shares.Add("webhook_requests", _requests);

    /// <summary>Updates the metrics of every endpoint, before a scrape.</summary>
    public void Measure()
    {
        foreach (var lane in Volatile.Read(ref _lanes))
            lane.Measure();
    }

    /// <summary>Ends the back-off and quiet time of a tenant's webhooks, or of all webhooks when null.</summary>
    public void RunNow(string? tenant)
    {
        foreach (var lane in Volatile.Read(ref _lanes).Where(lane => tenant is null || lane.Endpoint.Tenant == tenant))
            lane.RunNow(byTenant: tenant is not null);
    }

    /// <summary>Runs until it is stopped; requests under way are then cancelled, and sent again after the next start.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var stopping = Task.Delay(Timeout.InfiniteTimeSpan, clock, stop);
        try
        {
            while (!stop.IsCancellationRequested)
            {
                await ReapAsync();
                var changed = Renew();
                var again = await MatchAsync(stop) ? changed : Task.Delay(BetweenReads, clock, stop);
                Volatile.Write(ref _lanes, [.. _running.Values.Select(running => running.Lane)]);
                await Task.WhenAny([stopping, again, _trouble.Next(stop) ?? stopping, .. _running.Values.Select(running => running.Loop)]);
            }
        }
        finally
        {
            await EndAsync([.. _running.Keys]);
        }
    }

    /// <summary>Called before reading the store, so that a change after that is noticed in the next turn.</summary>
    private Task Renew()
    {
        lock (_gate)
        {
            if (!_changed.Task.IsCompleted)
                return _changed.Task;
            _changed = NewSignal();
            _ended.Clear();
            return _changed.Task;
        }
    }

    private async Task<bool> MatchAsync(CancellationToken stop)
    {
        try
        {
            var wanted = await EnabledAsync();
            (string, string)[] outdated =
            [
                .. _running
                    .Where(known => !wanted.TryGetValue(known.Key, out var now) || now.Version != known.Value.Lane.Endpoint.Version)
                    .Select(known => known.Key),
            ];
            if (outdated.Length > 0)
            {
                await EndAsync(outdated);
                wanted = await EnabledAsync(); // with the progress that the ended lanes stored
            }

            foreach (var (key, endpoint) in wanted)
            {
                if (!_running.ContainsKey(key) && !_ended.Contains(key) && !_trouble.IsPaused(endpoint))
                    await BeginAsync(key, endpoint, stop);
            }

            _unread = false;
            return true;
        }
        catch (Exception error) when (error is not OperationCanceledException || !stop.IsCancellationRequested)
        {
            if (!_unread)
                Log.Unread(logger, error);
            _unread = true;
            return false;
        }
    }

    private async Task BeginAsync((string Tenant, string Id) key, WebhookEndpoint endpoint, CancellationToken stop)
    {
        try
        {
            IReportLane lane = endpoint.Style switch
            {
                ReportStyle.Sync => new SyncLane(endpoint, log, http, options, metrics, clock, chance, logger, _requests, answers),
                ReportStyle.Genro or ReportStyle.GenroFinal => new GenroLane(
                    endpoint,
                    log,
                    http,
                    options,
                    metrics,
                    clock,
                    chance,
                    logger,
                    _requests,
                    answers
                ),
                _ => new WebhookLane(endpoint, log, http, options, metrics, clock, chance, logger, _requests, answers),
            };
            var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
            _running[key] = new(lane, end, Task.Run(() => lane.RunAsync(end.Token), CancellationToken.None));
        }
        catch (Exception error)
        {
            await _trouble.TellAsync(endpoint, error);
        }
    }

    private async Task<Dictionary<(string, string), WebhookEndpoint>> EnabledAsync()
    {
        if (isOurs?.Invoke() == false)
            return []; // another node tells them
        var endpoints = await log.EndpointsAsync();
        answers?.KeepOnly(endpoints);
        return endpoints
            .Where(endpoint => endpoint is { Paused: false, Progress.DisabledAt: null })
            .ToDictionary(endpoint => (endpoint.Tenant, endpoint.Id));
    }

    /// <summary>
    /// Removes lanes that have ended. A lane whose endpoint was disabled ended by itself, and starts again only after a change, even if
    /// the store
    /// could not record that it is disabled. A lane that failed ends alone, and its error is reported.
    /// </summary>
    private async Task ReapAsync()
    {
        (string, string)[] ended = [.. _running.Where(known => known.Value.Loop.IsCompleted).Select(known => known.Key)];
        foreach (var key in ended)
        {
            var running = _running[key];
            if (running.Loop.IsCompletedSuccessfully)
                _ended.Add(key);
            else
                await _trouble.TellAsync(running.Lane.Endpoint, running.Loop.Exception?.InnerException ?? new OperationCanceledException());
        }

        await EndAsync(ended);
    }

    private async Task EndAsync((string, string)[] keys)
    {
        foreach (var key in keys)
            await _running[key].End.CancelAsync();
        foreach (var key in keys)
        {
            var running = _running[key];
            await running.Loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            running.End.Dispose();
            _running.Remove(key);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly record struct Running(IReportLane Lane, CancellationTokenSource End, Task Loop);

    private static partial class Log
    {
        [LoggerMessage(620, LogLevel.Warning, "The webhooks cannot be read from the store now; trying again")]
        public static partial void Unread(ILogger logger, Exception fault);
    }
}
