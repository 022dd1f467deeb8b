using MailProxy.Daemon.Sandbox;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Hosting;

/// <summary>Starts what must precede HTTP, and stops it after HTTP: sandbox, recovery, pipeline. Registered before Kestrel, so that it starts first and stops last.</summary>
internal sealed partial class PipelineService(
    MailPipeline pipeline,
    SandboxServer sandbox,
    AccountChanges accounts,
    VolumeChanges volumes,
    TenantChanges tenants,
    IAccountStore accountStore,
    StorageRoom storage,
    IHostApplicationLifetime lifetime,
    ILogger<PipelineService> logger) : IHostedService
{
    private Task _watch = Task.CompletedTask;

    /// <summary>Set when a room crashed: the process must not exit 0.</summary>
    public Exception? Crash { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await tenants.LoadAsync();
        await accounts.SandboxListensAsync(await sandbox.StartAsync());
        await volumes.LoadAsync();
        await storage.Batches.RepairAsync();
        await pipeline.StartAsync(await accountStore.SuspendedAsync());
        _watch = WatchAsync();
    }

    // The drain has a clock of its own: the host's token may be cancelled already when Kestrel was slow to close.
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Log.Draining(logger);
        try
        {
            await pipeline.StopAsync();
        }
        catch (Exception fault)
        {
            // The watch logs it; the exit code tells. What is left must still be closed in order.
            Crash ??= fault;
        }

        await _watch;
        await pipeline.DisposeAsync();
        await sandbox.StopAsync();
        storage.Dispose();
        Log.Stopped(logger);
    }

    private async Task WatchAsync()
    {
        try
        {
            await await Task.WhenAny(pipeline.Completion, storage.Completion);
        }
        catch (Exception fault)
        {
            Crash = fault;
            Log.Crashed(logger, fault);
            lifetime.StopApplication();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Stopping: nothing new is taken, attempts under way may end")]
        public static partial void Draining(ILogger logger);

        [LoggerMessage(2, LogLevel.Information, "Stopped; what waits is on disk")]
        public static partial void Stopped(ILogger logger);

        [LoggerMessage(3, LogLevel.Critical, "A stage of the pipeline crashed; the process ends")]
        public static partial void Crashed(ILogger logger, Exception fault);
    }
}
