using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Ingest;
using MailProxy.Pipeline.Persist;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Retain;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Send;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline;

/// <summary>Runs the loops of all stages, and ends them: dry, let go, or because one crashed.</summary>
internal sealed class PipelineRun(PipelineChannels channels, PipelineHealth health, DrainOptions drain, TimeProvider clock) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly CancellationTokenSource _abandon = new();

    public required IngestStage Ingest { get; init; }
    public required PersistStage Persist { get; init; }
    public required ScheduleStage Schedule { get; init; }
    public required ResolveStage Resolve { get; init; }
    public required AttachmentFetcher Fetches { get; init; }
    public required LinkUploader? Uploads { get; init; }
    public required SendStage Send { get; init; }
    public required ReportStage Report { get; init; }
    public required WebhookReporter Webhooks { get; init; }
    public required RetainStage Retain { get; init; }
    public required SecretWatch Secrets { get; init; }
    public required DestinationWatch Destinations { get; init; }
    public required LargeFileService? Links { get; init; }
    public required StageProgress Progress { get; init; }

    /// <summary>Ends when the pipeline has run dry; faults when a stage crashed, and then the process must end.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    /// <summary>Opens the channels: from here on mail flows.</summary>
    public void Start(Recovery recovery, bool suspended)
    {
        Completion = RunAsync(recovery, suspended);
        health.Running = true;
    }

    /// <summary>Takes nothing new, lets attempts under way end within the grace period, and runs dry.</summary>
    public async Task StopAsync()
    {
        health.Running = false;
        channels.Submissions.Writer.TryComplete();
        await _stop.CancelAsync();
        var grace = TimeSpan.FromSeconds(drain.GraceSeconds);
        using var letGo = clock.CreateTimer(_ => _abort.Cancel(), null, grace, Timeout.InfiniteTimeSpan);
        using var giveUp = clock.CreateTimer(
            _ => _abandon.Cancel(),
            null,
            grace + TimeSpan.FromSeconds(drain.ReplySeconds),
            Timeout.InfiniteTimeSpan
        );
        await Completion;
    }

    /// <summary>Lets go now: what is unanswered after the final dot is recorded as ambiguous.</summary>
    public void Abort()
    {
        _abort.Cancel();
        _abandon.Cancel();
    }

    public void Dispose()
    {
        _stop.Dispose();
        _abort.Dispose();
        _abandon.Dispose();
    }

    // A stage that has run dry completes the channel behind it, so the end travels the way of the mail.
    private async Task RunAsync(Recovery recovery, bool suspended)
    {
        await Destinations.SeedAsync();
        var ingest = Stage.Link(Ingest.RunAsync(), channels.Accepted.Writer);
        var persist = Persist.RunAsync();
        var schedule = Stage.Link(Schedule.RunAsync(recovery, suspended, _stop.Token), channels.Due.Writer);
        var destinations = Destinations.RunAsync(_stop.Token);
        var resolve = Stage.Link(Resolve.RunAsync(_stop.Token), channels.Resolved.Writer);
        var fetches = Fetches.RunAsync(_stop.Token);
        var uploads = Uploads?.RunAsync(_stop.Token) ?? Task.CompletedTask;
        var send = Send.RunAsync(_stop.Token, _abort.Token, _abandon.Token);
        var outcomes = Stage.Link(Task.WhenAll(resolve, fetches, uploads, send), channels.Report.Writer);
        var report = Report.RunAsync();
        var letGo = LetGoAsync(schedule, Task.WhenAll(persist, report));
        var webhooks = Webhooks.RunAsync(_stop.Token);
        var retain = Retain.RunAsync(_stop.Token);
        var secrets = Secrets.RunAsync(_stop.Token);
        var links = Links?.RunAsync(_stop.Token) ?? Task.CompletedTask;

        Task[] all =
        [
            ingest,
            persist,
            schedule,
            resolve,
            fetches,
            uploads,
            send,
            outcomes,
            report,
            letGo,
            webhooks,
            retain,
            secrets,
            links,
            destinations,
        ];
        await foreach (var stage in Task.WhenEach(all))
        {
            if (!stage.IsFaulted)
                continue;
            health.Running = false;
            channels.Close(stage.Exception!.InnerException!);
            Abort();
            await _stop.CancelAsync();
            await stage;
        }
    }

    private async Task LetGoAsync(Task schedule, Task over)
    {
        await schedule.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // its own fault is told by itself
        await Schedule.LetGoUntilAsync(over);
    }
}
