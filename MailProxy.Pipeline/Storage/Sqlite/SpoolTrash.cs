namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// Spool files that no row names any more. They go only after a later commit has succeeded: a commit whose sync failed might come back to
/// life after a crash, until another one has taken its place in the log.
/// </summary>
internal sealed class SpoolTrash(SpoolFiles spool)
{
    private List<string> _files = [];

    public void Add(IEnumerable<string> files) => _files.AddRange(files);

    /// <summary>After a commit, on the writer's thread; the disk's work is done elsewhere.</summary>
    public void Empty()
    {
        if (_files.Count == 0)
            return;
        var files = _files;
        _files = [];
        _ = Task.Run(() => files.ForEach(spool.Delete));
    }
}
