using System.Net.Sockets;
using Microsoft.Extensions.Hosting.Systemd;

namespace MailProxy.Daemon.Hosting;

/// <summary>Tells the service manager that asked for it (<c>NOTIFY_SOCKET</c>) when the daemon takes requests, that it lives, and when it
/// stops (sd_notify(3)).</summary>
/// <remarks>The framework's own <c>UseSystemd()</c> looks at process 1 first, which <c>ProtectProc=invisible</c> hides, and then tells
/// nothing: a unit of Type=notify would never have started.</remarks>
/// <param name="beat">Completes when the store's writer has gone round once more.</param>
internal sealed partial class ServiceNotices(
    ISystemdNotifier notifier,
    WatchdogTime watchdog,
    Func<Task> beat,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    ILogger<ServiceNotices> logger
) : IHostedService
{
    private static readonly ServiceState Alive = new("WATCHDOG=1");

    private readonly CancellationTokenSource _over = new();
    private CancellationTokenRegistration _started,
        _stopping;
    private Task _beats = Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (!notifier.IsEnabled)
            return Task.CompletedTask;
        _started = lifetime.ApplicationStarted.Register(() =>
        {
            Tell(ServiceState.Ready);
            if (watchdog.Every is { } every)
                _beats = BeatAsync(every);
        });
        _stopping = lifetime.ApplicationStopping.Register(() => Tell(ServiceState.Stopping));
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _over.CancelAsync();
        await _beats;
        await _started.DisposeAsync();
        await _stopping.DisposeAsync();
        _over.Dispose();
    }

    // Nothing is told for as long as the store's writer does not turn: then all that is left is to be started anew, and that is the
    // manager's to decide.
    private async Task BeatAsync(TimeSpan every)
    {
        using var timer = new PeriodicTimer(every, clock);
        try
        {
            do
            {
                await beat().WaitAsync(_over.Token);
                Tell(Alive);
            } while (await timer.WaitForNextTickAsync(_over.Token));
        }
        catch (OperationCanceledException) when (_over.IsCancellationRequested)
        {
            // Stopping; the manager's own time for that runs.
        }
    }

    private void Tell(ServiceState state)
    {
        try
        {
            notifier.Notify(state);
        }
        catch (SocketException error)
        {
            Log.Unheard(logger, error.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(5, LogLevel.Warning, "The service manager's NOTIFY_SOCKET cannot be reached: {Reason}")]
        public static partial void Unheard(ILogger logger, string reason);
    }
}
