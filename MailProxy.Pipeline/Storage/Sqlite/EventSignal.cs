namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Tells reporters that events were committed, so that nobody asks the store in vain.</summary>
internal sealed class EventSignal(long last)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _last = last;

    /// <summary>The position of the last committed event; 0: none yet.</summary>
    public long Last => Volatile.Read(ref _last);

    /// <summary>Completes when an event beyond this position is committed.</summary>
    public async Task WaitBeyondAsync(long position, CancellationToken cancel)
    {
        while (true)
        {
            Task next;
            lock (_gate)
            {
                if (_last > position) return;
                next = _next.Task;
            }

            await next.WaitAsync(cancel);
        }
    }

    /// <summary>After the commit; lower positions are ignored.</summary>
    public void Publish(long last)
    {
        TaskCompletionSource done;
        lock (_gate)
        {
            if (last <= _last) return;
            _last = last;
            done = _next;
            _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        done.SetResult();
    }
}
