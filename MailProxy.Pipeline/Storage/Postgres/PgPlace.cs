using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// A database belongs to one data directory, which has the bodies beyond 256 KB and, by its lock, one process. Both know the same name.
/// </summary>
internal static class PgPlace
{
    public const string FileName = "store.place";

    /// <summary>A person says by it that the data directory which the database belonged to is lost for good.</summary>
    public const string LostName = "spool.lost";

    private const string Setting = "store.place";
    private const string Put = "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

    /// <summary>
    /// Inside the transaction that enters this process. Throws <see cref="StoreRefusedException"/> when the database belongs to another
    /// directory.
    /// </summary>
    public static void Claim(Session session, string dataDirectory)
    {
        var (path, lost) = (Path.Combine(dataDirectory, FileName), Path.Combine(dataDirectory, LostName));
        var known = session.QueryFirst("SELECT value FROM settings WHERE name = ?1", static row => row.Text(0), Setting);
        try
        {
            var mine = File.Exists(path) ? File.ReadAllText(path).Trim() : "";
            if (known is not null && known != mine && !File.Exists(lost))
            {
                throw new StoreRefusedException(
                    $"The database belongs to another data directory than '{dataDirectory}': that one may be in use, and has the bodies "
                        + "beyond 256 KB. Start with that one, or move it here. If it is lost for good, so that those messages cannot be "
                        + $"sent any more, and no process uses it, say so: touch {lost}"
                );
            }

            if (mine.Length == 0)
            {
                mine = Guid.CreateVersion7().ToString();
                PrivateFiles.Write(path, System.Text.Encoding.ASCII.GetBytes(mine));
            }

            session.Run(Put, Setting, mine);
            File.Delete(lost);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException($"The file '{path}' cannot be read or made: {error.Message}", error);
        }
    }
}
