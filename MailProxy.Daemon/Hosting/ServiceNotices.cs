using System.Net.Sockets;
using Microsoft.Extensions.Hosting.Systemd;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// Tells the service manager (<c>NOTIFY_SOCKET</c>, sd_notify(3)) when the daemon accepts requests, that it is alive, and when it stops.
/// </summary>
/// <remarks>
/// The framework's <c>UseSystemd()</c> is not used: it first looks at process 1, which <c>ProtectProc=invisible</c> hides, and then sends
/// nothing, so that a unit of Type=notify would never have started.
/// </remarks>
/// <param name="beat">Completes when the store's writer has finished one more turn.</param>
/// <param name="stuck">The stages that stand still though they have something to do.</param>
internal sealed partial class ServiceNotices(
    ISystemdNotifier notifier,
    WatchdogTime watchdog,
    Func<Task> beat,
    Func<IReadOnlyList<string>> stuck,
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
            Notify(ServiceState.Ready);
            if (watchdog.Every is { } every)
                _beats = BeatAsync(every);
        });
        _stopping = lifetime.ApplicationStopping.Register(() => Notify(ServiceState.Stopping));
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

    // While the store's writer does not turn or a stage stands still, no beat is sent: only a restart can help then, and the service
    // manager decides about that.
    private async Task BeatAsync(TimeSpan every)
    {
        using var timer = new PeriodicTimer(every, clock);
        try
        {
            do
            {
                await beat().WaitAsync(_over.Token);
                if (stuck() is { Count: > 0 } stages)
                    Log.Stuck(logger, string.Join(", ", stages));
                else
                    Notify(Alive);
            } while (await timer.WaitForNextTickAsync(_over.Token));
        }
        catch (OperationCanceledException) when (_over.IsCancellationRequested)
        {
            // Stopping; the manager applies its own timeout to that.
        }
    }

    private void Notify(ServiceState state)
    {
        try
        {
            notifier.Notify(state);
        }
        catch (SocketException error)
        {
            Log.Unreachable(logger, error.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(6, LogLevel.Error, "No progress of {Stages} since the last look; the service manager gets no sign of life")]
        public static partial void Stuck(ILogger logger, string stages);

        [LoggerMessage(5, LogLevel.Warning, "The service manager's NOTIFY_SOCKET cannot be reached: {Reason}")]
        public static partial void Unreachable(ILogger logger, string reason);
    }
}
