namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// Pages of the file that nothing stands on any more. A reserve of them stays: taking pages off and putting them on again costs more than
/// keeping them.
/// </summary>
internal static class FreePages
{
    /// <summary>Pages that stay whatever the file's size: 8 MB.</summary>
    public const int Reserve = 1_024;

    private const string Free = "PRAGMA freelist_count";
    private const string All = "PRAGMA page_count";

    // 2 MB: each page of the file's end that is in use is moved, through the log.
    private const string Shorten = "PRAGMA incremental_vacuum(256)";

    /// <param name="busy">New mail will soon stand on most of them: then only what is more than half of the file.</param>
    public static Task<bool> AreWorthItAsync(SqliteReaders readers, bool busy) =>
        readers.SnapshotAsync(session =>
        {
            var (free, all) = (session.Prepare(Free).Scalar() ?? 0, session.Prepare(All).Scalar() ?? 0);
            return free > Math.Max(Reserve, all / (busy ? 2 : 16));
        });

    /// <summary>On the writer's thread.</summary>
    public static int GiveBack(Session session) => session.Prepare(Shorten).Run();
}
