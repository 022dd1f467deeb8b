using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Nodes;

namespace MailProxy.Daemon.Operations;

/// <summary>
/// Runs operations step by step beside the mail: those of a tenant one after another, and the tenants in turn, however many one has begun.
/// What an operation meets ends that operation alone, and a restart goes on where it was.
/// </summary>
internal sealed partial class OperationRunner(
    IOperationStore store,
    OperationPlans plans,
    MessageChanges changes,
    INodes nodes,
    TimeProvider clock,
    ILogger<OperationRunner> logger
) : BackgroundService
{
    private const int Forgotten = 5_000;

    private static readonly TimeSpan Idle = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    // After trouble a new operation ends no wait.
    private static readonly Task Never = NewSignal().Task;

    private TaskCompletionSource _begun = NewSignal();

    /// <summary>An operation was added. It is run here, or by the node that keeps house.</summary>
    public void Begin()
    {
        nodes.Ask(new(NodeRequest.Operation));
        Look();
    }

    private void Look() => Volatile.Read(ref _begun).TrySetResult();

    private void Hear(NodeRequest request)
    {
        if (request.What == NodeRequest.Operation)
            Look();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The host's start does not wait for the first look.
        await Task.Yield();
        nodes.Asked += Hear;
        nodes.Changed += Look;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var begun = Renewed();
                if (!await RoundAsync(stoppingToken) && !await ForgetAsync())
                    await WaitAsync(begun, Idle, stoppingToken);
            }
            catch (StoreUnavailableException error)
            {
                Log.StoreUnavailable(logger, error);
                await WaitAsync(Never, AfterTrouble, stoppingToken);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                Log.Unexpected(logger, error);
                await WaitAsync(Never, Idle, stoppingToken);
            }
        }
    }

    /// <summary>Lets the oldest running operation of each tenant take a step. False: none runs.</summary>
    public async Task<bool> RoundAsync(CancellationToken stop)
    {
        if (!nodes.Now.KeepsHouse)
            return false;
        var running = await store.RunningAsync();
        foreach (var operation in running.DistinctBy(static one => one.Tenant))
        {
            if (stop.IsCancellationRequested)
                break;
            await StepAsync(operation);
        }

        return running.Count > 0;
    }

    private async Task StepAsync(Operation operation)
    {
        try
        {
            var step = await plans.NextAsync(operation);
            foreach (var result in await store.StepAsync(operation, step) ?? [])
                changes.Made(result);
        }
        catch (OperationFaultException fault)
        {
            await store.EndAsync(operation, fault.Message, operation.Actor, Now);
        }
        catch (Exception error) when (error is not StoreUnavailableException)
        {
            Log.Failed(logger, operation.Id, error);
            await store.EndAsync(operation, "An unexpected error, which the log tells.", operation.Actor, Now);
        }
    }

    private async Task<bool> ForgetAsync() =>
        nodes.Now.KeepsHouse
        && await store.ForgetAsync(Now - (long)BulkActions.Undoable.TotalMilliseconds, Now - (long)Kept.TotalMilliseconds, Forgotten)
            >= Forgotten;

    private async Task WaitAsync(Task begun, TimeSpan time, CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await Task.WhenAny(begun, Task.Delay(time, clock, end.Token));
        await end.CancelAsync();
    }

    private Task Renewed()
    {
        if (Volatile.Read(ref _begun).Task.IsCompleted)
            Volatile.Write(ref _begun, NewSignal());
        return Volatile.Read(ref _begun).Task;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static partial class Log
    {
        [LoggerMessage(960, LogLevel.Warning, "Operations wait for the store")]
        public static partial void StoreUnavailable(ILogger logger, Exception fault);

        [LoggerMessage(961, LogLevel.Error, "Operation {Operation} ended with an unexpected error")]
        public static partial void Failed(ILogger logger, string operation, Exception fault);

        [LoggerMessage(962, LogLevel.Error, "Operations wait a minute after an unexpected error")]
        public static partial void Unexpected(ILogger logger, Exception fault);
    }
}
