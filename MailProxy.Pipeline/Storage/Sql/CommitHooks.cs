namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Steps that every turn of the writer takes, added while it runs. They run on the writer's thread.</summary>
internal sealed class CommitHooks
{
    private readonly Lock _gate = new();
    private volatile Action[] _beforeCommit = [],
        _afterCommit = [],
        _ended = [];

    public void Add(Action? beforeCommit, Action? afterCommit, Action? ended)
    {
        lock (_gate)
        {
            _beforeCommit = With(_beforeCommit, beforeCommit);
            _afterCommit = With(_afterCommit, afterCommit);
            _ended = With(_ended, ended);
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

    /// <summary>After a turn, whether it was committed or rolled back.</summary>
    public void Ended()
    {
        foreach (var step in _ended)
            step();
    }

    private static Action[] With(Action[] steps, Action? step) => step is null ? steps : [.. steps, step];
}
