using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Storage.Nodes;

namespace MailProxy.Daemon.Api;

/// <summary>
/// The last requests of a day that any node has answered, in the store. Each node brings what it has answered once a second, of very
/// many the last ones, shared out among tenants as in memory. What the store cannot take now is brought later.
/// </summary>
internal sealed partial class SharedRequestLog(IRequestStore store, ILeases leases, TimeProvider clock, ILogger<SharedRequestLog> logger)
    : IRequestLog,
        IAsyncDisposable
{
    private const int MostPending = 500;
    private const int TrimEvery = 60;

    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _stop = new();
    private RequestLog _pending = new(clock, MostPending);
    private Task? _bringing;

    /// <summary>Once: the node that keeps house takes away what is old even if nobody asks it for anything.</summary>
    public void Begin() => _bringing = Task.Run(BringAsync);

    public void Note(LoggedRequest request)
    {
        lock (_gate)
            _pending.Note(request);
    }

    public async ValueTask<IReadOnlyList<LoggedRequest>> ReadAsync(
        string? tenant,
        bool failedOnly,
        string? message,
        long? before,
        int limit
    )
    {
        await FlushAsync(); // who has just asked for something sees it
        return await store.ReadAsync(new(tenant, failedOnly, message, before, Since, limit));
    }

    public async ValueTask ForgetAsync(string tenant)
    {
        await _turn.WaitAsync(_stop.Token); // what is on its way comes before it
        try
        {
            lock (_gate)
                _pending.Forget(tenant);
            await store.ForgetAsync(tenant);
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_bringing is { } bringing)
            await bringing;
    }

    private long Since => clock.GetUtcNow().Subtract(RequestLog.Kept).ToUnixTimeMilliseconds();

    private async Task BringAsync()
    {
        try
        {
            for (var turn = 1; ; turn++)
            {
                await Task.Delay(Pace, clock, _stop.Token);
                await TryAsync(FlushAsync);
                if (turn % TrimEvery == 0 && leases.Now.KeepsHouse)
                    await TryAsync(() => store.TrimAsync(Since, RequestLog.UsualCapacity));
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The daemon ends.
        }
    }

    private async Task TryAsync(Func<Task> write)
    {
        try
        {
            await write();
        }
        catch (StoreUnavailableException)
        {
            // It is brought with the next ones; that the database is away others say.
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            Log.NotBrought(logger, error);
        }
    }

    private async Task FlushAsync()
    {
        await _turn.WaitAsync(_stop.Token);
        try
        {
            LoggedRequest[] pending;
            lock (_gate)
            {
                pending = [.. Noted(_pending)];
                _pending = new(clock, MostPending);
            }

            if (pending.Length == 0)
                return;
            try
            {
                await store.AddAsync(pending);
            }
            catch
            {
                GiveBack(pending);
                throw;
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    // Before what came meanwhile.
    private void GiveBack(IEnumerable<LoggedRequest> taken)
    {
        lock (_gate)
        {
            var later = Noted(_pending);
            _pending = new(clock, MostPending);
            foreach (var one in taken.Concat(later))
                _pending.Note(one);
        }
    }

    private static IEnumerable<LoggedRequest> Noted(RequestLog log) => log.Read(null, false, null, null, int.MaxValue).Reverse();

    private static partial class Log
    {
        [LoggerMessage(950, LogLevel.Error, "The requests that were answered could not be noted in the store")]
        public static partial void NotBrought(ILogger logger, Exception fault);
    }
}
