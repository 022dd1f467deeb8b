namespace MailProxy.Daemon.Api;

/// <summary>How long one request may wait for us, over all its waits together. The client's own slowness does not count.</summary>
internal sealed class WaitBudget(TimeSpan total, TimeProvider clock)
{
    private TimeSpan _left = total;

    /// <summary>False: the deadline has passed. Throws when the client has gone. No timer is made for what need not wait.</summary>
    public async ValueTask<bool> TryAsync<T>(Func<T, CancellationToken, ValueTask> wait, T argument, CancellationToken gone)
    {
        // Never disposed: it has no timer of its own, and a late callback must find it whole.
        var cancel = new CancellationTokenSource();
        var waiting = wait(argument, cancel.Token);
        if (waiting.IsCompletedSuccessfully)
        {
            await waiting;
            return true;
        }

        var started = clock.GetTimestamp();
        if (_left <= TimeSpan.Zero)
            await cancel.CancelAsync();
        await using var over = clock.CreateTimer(
            static source => ((CancellationTokenSource)source!).Cancel(),
            cancel,
            _left > TimeSpan.Zero ? _left : Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
        await using var left = gone.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), cancel);
        try
        {
            await waiting;
            return true;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            gone.ThrowIfCancellationRequested();
            return false;
        }
        finally
        {
            _left -= clock.GetElapsedTime(started);
        }
    }
}
