using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>One job in a turn of the commit loop. All members are called on the writer's thread.</summary>
internal abstract class WriteJob
{
    /// <summary>Number of rows that it counts as, for the turn's budget and the metric.</summary>
    public virtual int Rows => 1;

    /// <summary>Somebody waits for it, so that it does not wait for others to be written with.</summary>
    public virtual bool IsAwaited => true;

    /// <summary>Writes, inside the turn's transaction. May be called again after <see cref="RolledBack"/> returned true.</summary>
    public abstract void Run(Session session);

    /// <summary>The job is on disk: complete the promise.</summary>
    public abstract void Committed();

    /// <summary>Nothing of the job is on disk. True: keep it and try again; false: its promise has failed.</summary>
    public abstract bool RolledBack(StoreUnavailableException why);

    /// <summary>The loop has ended, so the job will never be written.</summary>
    public abstract void Abandon(Exception why);
}

/// <summary>A small write in a savepoint: when it fails, the other jobs of the turn do not.</summary>
internal sealed class SmallWrite<T>(Func<Session, T> write, CommitLoop writer, IWaitingTally counts) : WriteJob
{
    private const string Begin = "SAVEPOINT one";
    private const string Keep = "RELEASE one";
    private const string Undo = "ROLLBACK TO one";

    private readonly TaskCompletionSource<T> _promise = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T _result = default!;
    private Exception? _fault;

    public Task<T> Promise => _promise.Task;

    public override void Run(Session session)
    {
        var (lastEvent, lastMessage, position) = (writer.Numbers.LastEvent, writer.Numbers.LastMessage, counts.Position);
        session.Prepare(Begin).Run();
        try
        {
            _result = write(session);
            session.Prepare(Keep).Post();
            session.Flush();
        }
        catch (Exception error) when (!writer.IsTrouble(error))
        {
            // An error of the caller, which gets the exception.
            _fault = error;
            session.Drop();
            session.Prepare(Undo).Run();
            session.Prepare(Keep).Post();
            (writer.Numbers.LastEvent, writer.Numbers.LastMessage) = (lastEvent, lastMessage);
            counts.Forget(position);
        }
    }

    public override void Committed()
    {
        if (_fault is null)
            _promise.TrySetResult(_result);
        else
            _promise.TrySetException(_fault);
    }

    public override bool RolledBack(StoreUnavailableException why)
    {
        _promise.TrySetException(why);
        return false;
    }

    public override void Abandon(Exception why) => _promise.TrySetException(StoreUnavailableException.Over(why));
}
