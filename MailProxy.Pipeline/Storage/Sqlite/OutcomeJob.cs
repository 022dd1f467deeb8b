using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// Writes marks and settlements in order. Settlements alone are retried until they are on disk; a job that contains a mark fails as a
/// whole at
/// once, since a connection waits for the mark.
/// </summary>
internal sealed class OutcomeJob(IReadOnlyList<StoreWrite> writes, OutcomeWriter writer) : WriteJob
{
    private readonly TaskCompletionSource<IReadOnlyList<bool>> _promise = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly bool[] _changed = new bool[writes.Count];
    private readonly bool _keep = writes.All(static w => w is Settlement);

    public override int Rows => writes.Count;

    public Task<IReadOnlyList<bool>> Promise => _promise.Task;

    public override void Run(Session session)
    {
        for (var i = 0; i < _changed.Length; i++)
            _changed[i] = writer.Write(session, writes[i]);
    }

    public override void Committed() => _promise.TrySetResult(_changed);

    public override bool RolledBack(StoreUnavailableException why)
    {
        writer.Undone();
        if (!_keep)
            _promise.TrySetException(why);
        return _keep;
    }

    public override void Abandon(Exception why) =>
        _promise.TrySetException(new StoreUnavailableException("The store's writer has stopped.", why));
}
