namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Steps that every turn of the writer takes, added while it runs. They run on the writer's thread.</summary>
internal sealed class CommitHooks
{
    private readonly Lock _gate = new();
    private volatile Action[] _beforeCommit = [],
        _afterCommit = [];

    public void Add(Action beforeCommit, Action afterCommit)
    {
        lock (_gate)
        {
            _beforeCommit = [.. _beforeCommit, beforeCommit];
            _afterCommit = [.. _afterCommit, afterCommit];
        }
    }

    /// <summary>Inside the turn's transaction.</summary>
    public void BeforeCommit()
    {
        foreach (var step in _beforeCommit)
            step();
    }

    /// <summary>After a commit that succeeded.</summary>
    public void AfterCommit()
    {
        foreach (var step in _afterCommit)
            step();
    }
}
