using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>Writes or removes one mark. One that could not be written is not tried again: its attempt does not begin.</summary>
/// <param name="write">Tells how many rows were written.</param>
internal sealed class MarkJob(Action<Session, Action<int>> write) : WriteJob
{
    private readonly TaskCompletionSource<bool> _promise = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool? _isWritten;

    /// <summary>It is tried until it is written.</summary>
    public bool IsKept { get; init; }

    public Task<bool> Promise => _promise.Task;

    public override void Run(Session session)
    {
        _isWritten = null; // it may be tried again
        write(session, changed => _isWritten = changed == 1);
    }

    public override void Committed()
    {
        if (_isWritten is { } isWritten)
            _promise.TrySetResult(isWritten);
        else if (IsKept)
            _promise.TrySetResult(true);
        else
            _promise.TrySetException(new StoreUnavailableException("The answer to the commit of a mark is lost."));
    }

    public override bool RolledBack(StoreUnavailableException why)
    {
        if (!IsKept)
            _promise.TrySetException(why);
        return IsKept;
    }

    public override void Abandon(Exception why) => _promise.TrySetException(StoreUnavailableException.Over(why));
}
