namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// Finds out whether the store can write again when nobody has anything to write. It asks for new pages, as a message would: a write into a
/// page that is already there succeeds on a full disk.
/// </summary>
internal static class StoreProbe
{
    private const string Insert = "INSERT OR REPLACE INTO settings (name, value) VALUES ('store.probe', hex(zeroblob(32768)))";
    private const string Delete = "DELETE FROM settings WHERE name = 'store.probe'";

    public static void Write(Session session) => session.Prepare(Insert).Run();

    /// <summary>Takes away what a probe left.</summary>
    public static void Clean(Session session) => session.Prepare(Delete).Run();
}
