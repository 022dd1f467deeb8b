namespace MailProxy.Pipeline.Send;

/// <summary>
/// Mails that wait for a connection of one account, first come first served. Each is given a connection, or null: a slot in which to open
/// one. Used under its owner's lock, but for <see cref="TurnAsync"/>.
/// </summary>
internal sealed class ConnectionWaiters
{
    private readonly Queue<TaskCompletionSource<SmtpConnection?>> _waiters = new();

    public int Count => _waiters.Count;

    public TaskCompletionSource<SmtpConnection?> Add()
    {
        var turn = new TaskCompletionSource<SmtpConnection?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiters.Enqueue(turn);
        return turn;
    }

    /// <summary>False when nobody waits any more.</summary>
    public bool TryGive(SmtpConnection? connection)
    {
        while (_waiters.TryDequeue(out var waiter))
        {
            if (waiter.TrySetResult(connection))
                return true;
        }

        return false;
    }

    public TaskCompletionSource<SmtpConnection?>[] TakeAll()
    {
        var all = _waiters.ToArray();
        _waiters.Clear();
        return all;
    }

    /// <summary>Waits for a turn that was given by <see cref="Add"/>.</summary>
    public static async Task<SmtpConnection?> TurnAsync(TaskCompletionSource<SmtpConnection?> turn, CancellationToken abort)
    {
        await using (abort.UnsafeRegister(static turn => ((TaskCompletionSource<SmtpConnection?>)turn!).TrySetCanceled(), turn))
        {
            return await turn.Task;
        }
    }
}
