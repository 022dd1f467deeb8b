using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// Free pages of the database file. A reserve of them is kept, because releasing and allocating pages again costs more than keeping them.
/// </summary>
internal static class FreePages
{
    /// <summary>Free pages that are kept whatever the size of the file: 8 MB.</summary>
    public const int Reserve = 1_024;

    private const string Free = "PRAGMA freelist_count";
    private const string All = "PRAGMA page_count";

    // 2 MB per step, because each used page at the end of the file must be moved, through the log.
    private const string Shorten = "PRAGMA incremental_vacuum(256)";

    /// <param name="busy">New mail will soon use most of them, so only what exceeds half of the file is returned.</param>
    public static Task<bool> AreWorthItAsync(StoreReaders readers, bool busy) =>
        readers.SnapshotAsync(session =>
        {
            var (free, all) = (session.Prepare(Free).Scalar() ?? 0, session.Prepare(All).Scalar() ?? 0);
            return free > Math.Max(Reserve, all / (busy ? 2 : 16));
        });

    /// <summary>Shortens the file by one step. On the writer's thread.</summary>
    public static int GiveBack(Session session) => session.Prepare(Shorten).Run();
}
