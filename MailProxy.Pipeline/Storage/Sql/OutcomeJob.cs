using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Settlements, in their order. They are kept until they are on disk.</summary>
internal sealed class OutcomeJob(IReadOnlyList<Settlement> writes, OutcomeWriter writer) : WriteJob
{
    private readonly TaskCompletionSource<IReadOnlyList<bool>> _promise = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly bool[] _changed = new bool[writes.Count];

    public override int Rows => writes.Count;

    public override bool IsAwaited => false;

    public Task<IReadOnlyList<bool>> Promise => _promise.Task;

    public override void Run(Session session) => writer.Write(session, writes, _changed);

    public override void Committed() => _promise.TrySetResult(_changed);

    public override bool RolledBack(StoreUnavailableException why)
    {
        writer.Undone();
        return true;
    }

    public override void Abandon(Exception why) => _promise.TrySetException(StoreUnavailableException.Over(why));
}
