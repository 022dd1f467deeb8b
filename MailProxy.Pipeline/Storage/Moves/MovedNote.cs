using System.Text;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Pipeline.Storage.Moves;

/// <summary>
/// What a store says after it was moved away, so that no daemon starts on it: mail would be sent by both. A file beside SQLite's, a setting
/// in PostgreSQL.
/// </summary>
internal static class MovedNote
{
    public const string FileName = "store.moved";

    public const string Setting = "store.moved";

    public static string Text(MovePlace to, DateTimeOffset at) => $"to {to.Description} at {at.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}";

    public static void Write(string directory, string text)
    {
        var path = Path.Combine(directory, FileName);
        File.Delete(path);
        PrivateFiles.Write(path, Encoding.UTF8.GetBytes(text + "\n"));
        PrivateFiles.GiveTo(directory, [path]);
        DirectorySync.Flush(directory);
    }

    public static void Remove(string directory)
    {
        File.Delete(Path.Combine(directory, FileName));
        DirectorySync.Flush(directory);
    }

    /// <summary>Throws <see cref="StoreRefusedException"/> when the store in SQLite was moved away.</summary>
    public static void RefuseIn(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
            return;
        throw new StoreRefusedException(
            $"The store in '{directory}' was moved {FirstLine(path)}; mail would be sent from both. Start with that one "
                + "(Storage:Provider postgres). To use this one all the same, without what happened there since, see that no daemon uses "
                + $"that one, and then: rm {path}"
        );
    }

    /// <summary>The same of a store in PostgreSQL.</summary>
    public static void RefuseIn(Session session)
    {
        if (session.QueryFirst("SELECT value FROM settings WHERE name = ?1", static row => row.Text(0), Setting) is { } text)
            throw OfDatabase(text);
    }

    public static StoreRefusedException OfDatabase(string text) =>
        new(
            $"The store in this database was moved {text}; mail would be sent from both. Start with that one (Storage:Provider sqlite). To "
                + "use this one all the same, without what happened there since, see that no daemon uses that one, and then run in the "
                + $"database: DELETE FROM mailproxy.settings WHERE name = '{Setting}'"
        );

    private static string FirstLine(string path)
    {
        try
        {
            return File.ReadLines(path).FirstOrDefault() is { Length: > 0 } text ? text : "away";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"away (its note cannot be read: {error.Message})";
        }
    }
}
