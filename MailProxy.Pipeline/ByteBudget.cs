namespace MailProxy.Pipeline;

/// <summary>A bound on bytes held in memory. A single charge larger than the whole budget is let in alone. First come, first served.</summary>
public sealed class ByteBudget(long capacity)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _waiters = [];
    private long _used;

    public long Used => Volatile.Read(ref _used);

    /// <summary>Waits for room. The charge ends when the result is disposed.</summary>
    public async ValueTask<IDisposable> ChargeAsync(long bytes, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Waiter waiter;
        lock (_gate)
        {
            if (_waiters.Count == 0 && Fits(bytes)) return Take(bytes);
            waiter = new(bytes);
            waiter.Node = _waiters.AddLast(waiter);
        }

        await using (cancel.UnsafeRegister(static state => ((Waiter)state!).Granted.TrySetCanceled(), waiter))
        {
            try
            {
                return await waiter.Granted.Task;
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                lock (_gate)
                {
                    if (waiter.Node.List is not null) _waiters.Remove(waiter.Node);
                    Grant();
                }

                throw;
            }
        }
    }

    private bool Fits(long bytes) => _used == 0 || _used + bytes <= capacity;

    private Charge Take(long bytes)
    {
        _used += bytes;
        return new(this, bytes);
    }

    private void Return(long bytes)
    {
        lock (_gate)
        {
            _used -= bytes;
            Grant();
        }
    }

    private void Grant()
    {
        while (_waiters.First is { } first && Fits(first.Value.Bytes))
        {
            _waiters.RemoveFirst();
            var charge = Take(first.Value.Bytes);
            if (!first.Value.Granted.TrySetResult(charge)) _used -= first.Value.Bytes;
        }
    }

    private sealed class Waiter(long bytes)
    {
        public long Bytes { get; } = bytes;
        public LinkedListNode<Waiter> Node { get; set; } = null!;
        public TaskCompletionSource<IDisposable> Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Charge(ByteBudget budget, long bytes) : IDisposable
    {
        private int _returned;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _returned, 1) == 0) budget.Return(bytes);
        }
    }
}
