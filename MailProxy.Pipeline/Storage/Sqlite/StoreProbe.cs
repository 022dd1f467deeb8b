using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// Tests whether the store can write again when there is nothing to write. It allocates new pages, as a message would, because writing to
/// an
/// existing page succeeds on a full disk.
/// </summary>
internal static class StoreProbe
{
    private const string Insert = "INSERT OR REPLACE INTO settings (name, value) VALUES ('store.probe', hex(zeroblob(32768)))";
    private const string Delete = "DELETE FROM settings WHERE name = 'store.probe'";

    public static void Write(Session session) => session.Prepare(Insert).Run();

    /// <summary>Deletes what a probe wrote.</summary>
    public static void Clean(Session session) => session.Prepare(Delete).Run();
}
