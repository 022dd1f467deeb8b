namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>How much mail waits, and how the writer tells what its turns change of that.</summary>
internal interface IWaitingTally
{
    /// <summary>How much the turn under way has changed so far. For the writer's thread.</summary>
    int Position { get; }

    /// <summary>What was changed since was undone. For the writer's thread.</summary>
    void Forget(int position);

    /// <summary>The turn is committed. For the writer's thread.</summary>
    void Committed();

    /// <summary>Nothing of the turn is left. For the writer's thread.</summary>
    void RolledBack();

    /// <summary>Everything as of a commit. Throws <see cref="Disk.StoreUnavailableException"/>.</summary>
    Task<WaitingCounts> ReadAsync();
}
