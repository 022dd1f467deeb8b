namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Spool files that no row names any more. They are deleted only after a later commit has succeeded: a commit whose sync failed may take
/// effect after a crash, until another one has overwritten it in the log.
/// </summary>
internal sealed class SpoolTrash(SpoolFiles spool)
{
    private List<string> _files = [];

    public void Add(IEnumerable<string> files) => _files.AddRange(files);

    /// <summary>Called after a commit, on the writer's thread; another thread deletes the files.</summary>
    public void Empty()
    {
        if (_files.Count == 0)
            return;
        var files = _files;
        _files = [];
        _ = Task.Run(() => files.ForEach(spool.Delete));
    }
}
