using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Moves;

/// <summary>A stopped store in SQLite that is moved away.</summary>
internal sealed class SqliteSource : SqliteSide, IMoveSource
{
    private readonly string _directory;
    private readonly DataLock _lock;

    private SqliteSource(string directory, DataLock dataLock, SqliteConnection connection, int? older)
        : base(connection, new(directory))
    {
        (_directory, _lock, Older) = (directory, dataLock, older);
    }

    public int? Older { get; }

    /// <summary>Throws <see cref="StoreRefusedException"/> when there is no store, when it is in use, or has attempts under way.</summary>
    /// <param name="isTrial">Nothing may be changed: an older schema stays as it is.</param>
    public static SqliteSource Open(MovePlace place, bool isTrial)
    {
        var (directory, path) = (place.Name, place.File("mailproxy.db"));
        if (!File.Exists(path))
            throw new StoreRefusedException($"{place.Option}: there is no store in '{directory}', which has no file mailproxy.db.");
        var dataLock = DataLock.Take(directory);
        SqliteConnection? connection = null;
        try
        {
            SqliteDatabase.RefuseHalfRestored(directory);
            MovedNote.RefuseIn(directory);
            StoreFile.CheckAccess(path);
            StoreFile.Inspect(path);
            int? older = null;
            if (!isTrial)
                connection = SqliteDatabase.OpenChecked(path, Migrator.Embedded);
            else
            {
                connection = Connections.OpenExisting(path);
                older = Trial(connection, path);
            }

            RefuseUnderWay(connection, directory);
            Connections.Execute(connection, "BEGIN");
            return new(directory, dataLock, connection, older);
        }
        catch
        {
            connection?.Dispose();
            dataLock.Dispose();
            throw;
        }
    }

    public void NoteMoved(string text) => MovedNote.Write(_directory, text);

    public void TakeNoteAway() => MovedNote.Remove(_directory);

    public override void Dispose()
    {
        Connection.Dispose();
        _lock.Dispose();
    }

    private static int? Trial(SqliteConnection connection, string path)
    {
        var version = (int)Connections.Number(connection, "PRAGMA user_version");
        if (version > Migrator.Latest)
            throw new StoreRefusedException(
                $"'{path}' was written by a newer program (schema {version}; this one knows up to {Migrator.Latest}). Use that one."
            );
        return version < Migrator.Latest ? version : null;
    }

    // Which of the messages under way have gone out, its flight log says, and a start reads it.
    private static void RefuseUnderWay(SqliteConnection connection, string directory)
    {
        var knows = Connections.Number(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'flight'") == 1;
        var ended = !knows || Connections.Number(connection, "SELECT count(*) FROM flight WHERE clean = 0") == 0;
        if (ended && Connections.Number(connection, "SELECT count(*) FROM queue WHERE state = 1") == 0)
            return;
        throw new StoreRefusedException(
            $"The daemon that used '{directory}' did not end in an orderly way, so that messages may have been on their way. Start it once "
                + "there and stop it in an orderly way (SIGTERM), and then move the store."
        );
    }
}
