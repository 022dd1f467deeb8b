using MailProxy.Daemon.Api;

namespace MailProxy.Daemon.Hosting;

/// <summary>Checks the disk even when nobody asks, so that the log tells when space runs low and when there is enough again.</summary>
internal sealed class ReadinessWatch(Readiness readiness, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        try
        {
            do readiness.Disk();
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The daemon is stopping.
        }
    }
}
