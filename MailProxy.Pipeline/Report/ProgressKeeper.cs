using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>Keeps an endpoint's progress in the store: one write at a time, and what came meanwhile goes with the next.</summary>
internal sealed partial class ProgressKeeper(IDeliveryLog log, WebhookEndpoint endpoint, TimeProvider clock, ILogger logger)
{
    // Events that nobody wanted move the position too, but that is worth a write only now and then.
    private const int Drift = 500;

    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private bool _acknowledged;

    /// <summary>What the store has.</summary>
    public EndpointProgress Saved { get; private set; } = endpoint.Progress;

    /// <summary>The write under way; completed when there is none.</summary>
    public Task Write { get; private set; } = Task.CompletedTask;

    /// <summary>The endpoint answered: the next move of the position is worth a write.</summary>
    public void Acknowledged() => _acknowledged = true;

    public void Save(EndpointProgress progress, CancellationToken stop)
    {
        if (Write.IsCompleted && IsWorthIt(progress))
            Begin(progress, stop);
    }

    /// <summary>Writes the last word, if the store answers soon. If not, some events come twice after the next start.</summary>
    public async Task CloseAsync(EndpointProgress progress)
    {
        try
        {
            await Write.WaitAsync(Patience, clock);
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
            await log.SaveProgressAsync(endpoint, progress).WaitAsync(Patience, clock);
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
        [LoggerMessage(
            635,
            LogLevel.Warning,
            "How far webhook {Endpoint} has acknowledged could not be stored; some events may reach it twice"
        )]
        public static partial void Unsaved(ILogger logger, string endpoint, Exception fault);
    }
}
