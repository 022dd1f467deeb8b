using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>Stores an endpoint's progress, one write at a time; changes during a write go with the next one.</summary>
internal sealed partial class ProgressKeeper(IDeliveryLog log, WebhookEndpoint endpoint, TimeProvider clock, ILogger logger)
{
    // Events that the endpoint did not want move the position too, which is worth a write only after so many of them.
    private const int Drift = 500;

    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private bool _acknowledged;

    /// <summary>The progress that is in the store.</summary>
    public EndpointProgress Saved { get; private set; } = endpoint.Progress;

    /// <summary>The write under way; completed when there is none.</summary>
    public Task Write { get; private set; } = Task.CompletedTask;

    /// <summary>Records that the endpoint answered, so that the next move of the position is written.</summary>
    public void Acknowledged() => _acknowledged = true;

    public void Save(EndpointProgress progress, CancellationToken stop)
    {
        if (Write.IsCompleted && IsWorthIt(progress))
            Begin(progress, stop);
    }

    /// <summary>Writes the final progress, if the store answers soon. If it does not, some events are sent again after the next
    /// start.</summary>
    public async Task CloseAsync(EndpointProgress progress)
    {
        try
        {
            await Write.WaitAsync(CloseTimeout, clock);
        }
        catch (Exception error) when (error is OperationCanceledException or TimeoutException)
        {
            Log.Unsaved(logger, endpoint.Id, error);
            return;
        }

        if (progress == Saved)
            return;
        try
        {
            await log.SaveProgressAsync(endpoint, progress).WaitAsync(CloseTimeout, clock);
        }
        catch (Exception error)
        {
            Log.Unsaved(logger, endpoint.Id, error);
        }
    }

    private bool IsWorthIt(EndpointProgress progress)
    {
        var replay = progress.Replay is { } told ? told with { Acknowledged = Saved.Replay?.Acknowledged ?? told.Acknowledged } : null;
        if (progress with { Acknowledged = Saved.Acknowledged, Replay = replay } != Saved)
            return true;
        var moved = progress.Acknowledged - Saved.Acknowledged + (progress.Replay?.Acknowledged - Saved.Replay?.Acknowledged ?? 0);
        return moved >= Drift || (moved > 0 && _acknowledged);
    }

    private void Begin(EndpointProgress progress, CancellationToken stop)
    {
        _acknowledged = false;
        Write = WriteAsync(progress, stop);
    }

    private async Task WriteAsync(EndpointProgress progress, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                await log.SaveProgressAsync(endpoint, progress);
                Saved = progress;
                return;
            }
            catch (Exception error)
            {
                Log.Unsaved(logger, endpoint.Id, error);
                await Task.Delay(BetweenTries, clock, stop);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(635, LogLevel.Warning, "The progress of webhook {Endpoint} could not be stored; some events may reach it twice")]
        public static partial void Unsaved(ILogger logger, string endpoint, Exception fault);
    }
}
