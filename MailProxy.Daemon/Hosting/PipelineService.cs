using MailProxy.Daemon.Sandbox;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// Starts what must run before HTTP, and stops it after HTTP: sandbox, recovery, pipeline. Registered before Kestrel, so that it starts
/// first
/// and stops last.
/// </summary>
internal sealed partial class PipelineService(
    MailPipeline pipeline,
    SandboxServer sandbox,
    AccountsInForce inForce,
    CurrentAccounts accounts,
    ConfigurationWriter<Tenant> tenants,
    Stores storage,
    NodeLink nodes,
    IHostApplicationLifetime lifetime,
    ILogger<PipelineService> logger
) : IHostedService
{
    private Task _watch = Task.CompletedTask;
    private Task? _drain;
    private CancellationTokenRegistration _stopping;

    /// <summary>The error when a stage has crashed; the process must then not exit with 0.</summary>
    public Exception? Crash { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        inForce.Sandbox = await sandbox.StartAsync();
        var configured = await storage.Nodes.ConfigurationAsync(); // before it is read
        await tenants.LoadAsync(); // and all that tenants have
        await storage.Batches.RepairAsync();
        accounts.Weigh(new BatchWeights(await storage.Batches.WeightsAsync(null)));
        var suspended = await storage.Sending.SuspendedAsync();
        if (suspended && storage.Generations.Current.BackupAt is { } backup)
            Log.Restored(logger, DateTimeOffset.FromUnixTimeMilliseconds(backup));
        await pipeline.StartAsync(suspended);
        nodes.Start(configured);
        _watch = WatchAsync();
        _stopping = lifetime.ApplicationStopping.Register(() => _drain = DrainAsync());
    }

    // HTTP has ended or was aborted. The drain is waited for by its own clock, not by the host's token.
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await (_drain ?? DrainAsync());
        await _stopping.DisposeAsync();
        await _watch;
        await nodes.StopAsync();
        await pipeline.DisposeAsync();
        await sandbox.StopAsync();
        storage.Dispose();
        Log.Stopped(logger);
    }

    // Begins as soon as a stop is requested, beside the end of HTTP and not after it, so that no new mail is begun while a request is
    // still
    // waited for.
    private async Task DrainAsync()
    {
        Log.Draining(logger);
        nodes.Leave();
        try
        {
            await pipeline.StopAsync();
        }
        catch (Exception error)
        {
            // The watch logs the error, and the exit code shows it. Everything else must still be closed in order.
            Crash ??= error;
        }
    }

    private async Task WatchAsync()
    {
        try
        {
            await await Task.WhenAny(pipeline.Completion, storage.Completion);
        }
        catch (Exception error)
        {
            Crash = error;
            Log.Crashed(logger, error);
            lifetime.StopApplication();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Stopping: no new mail is accepted, attempts under way may finish")]
        public static partial void Draining(ILogger logger);

        [LoggerMessage(2, LogLevel.Information, "Stopped; waiting mail is on disk")]
        public static partial void Stopped(ILogger logger);

        [LoggerMessage(
            4,
            LogLevel.Warning,
            "Sending is suspended: the store was restored from a backup made {Made:u}, and mail sent since then is queued in it once "
                + "more. Cancel what must not go, then POST /v1/dispatcher/activate"
        )]
        public static partial void Restored(ILogger logger, DateTimeOffset made);

        [LoggerMessage(3, LogLevel.Critical, "A stage of the pipeline crashed; the process ends")]
        public static partial void Crashed(ILogger logger, Exception fault);
    }
}
