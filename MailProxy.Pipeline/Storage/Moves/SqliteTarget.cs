using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Moves;

/// <summary>A new store in SQLite. It is a file beside until it is whole, and gets its name by the commit.</summary>
internal sealed class SqliteTarget : SqliteSide, IMoveTarget
{
    private const string DraftSuffix = ".moving";

    private readonly string _directory,
        _path;
    private readonly DataLock _lock;
    private List<string> _triggers = [];
    private bool _isCommitted;

    private SqliteTarget(string directory, string path, DataLock dataLock, SqliteConnection connection)
        : base(connection, new(directory))
    {
        (_directory, _path, _lock) = (directory, path, dataLock);
    }

    private string Draft => _path + DraftSuffix;

    /// <summary>Throws <see cref="StoreRefusedException"/> when there is a store already. Changes nothing.</summary>
    public static void Check(MovePlace place)
    {
        var (directory, path) = (place.Name, place.File("mailproxy.db"));
        if (File.Exists(directory))
            throw new StoreRefusedException($"{place.Option}: '{directory}' is a file and not a directory.");
        if (!Directory.Exists(directory))
            return;
        SqliteDatabase.RefuseHalfRestored(directory);
        if (File.Exists(path) || new FileInfo(path + "-wal") is { Exists: true, Length: > 0 })
        {
            var before = Path.Combine(directory, "before");
            var note = File.Exists(place.File(MovedNote.FileName)) ? $" {place.File(MovedNote.FileName)}" : "";
            throw new StoreRefusedException(
                $"There is a store in '{directory}' already. Put it aside, or name another directory: mkdir -m 700 {before} && mv "
                    + $"{path}*{note} {before}/"
            );
        }
    }

    /// <summary>Makes the directory when it is not there, and an empty store under another name.</summary>
    public static SqliteTarget Open(MovePlace place)
    {
        var (directory, path) = (place.Name, place.File("mailproxy.db"));
        if (!Directory.Exists(directory))
            PrivateFiles.MakeDirectory(directory);
        var dataLock = DataLock.Take(directory);
        SqliteConnection? connection = null;
        try
        {
            Check(place);
            StoreFile.Create(path + DraftSuffix, Migrator.Embedded);
            connection = Connections.OpenExisting(path + DraftSuffix);

            // Nobody needs what is half written; the file is synced when it is whole.
            Connections.Execute(connection, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536; BEGIN");
            return new(directory, path, dataLock, connection);
        }
        catch
        {
            connection?.Dispose();
            Remove(path + DraftSuffix);
            dataLock.Dispose();
            throw;
        }
    }

    public void Begin()
    {
        foreach (var name in Connections.Texts(Connection, "SELECT name FROM sqlite_schema WHERE type = 'trigger'"))
        {
            _triggers.AddRange(Connections.Texts(Connection, $"SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = '{name}'"));
            Connections.Execute(Connection, $"DROP TRIGGER {MoveTable.Quoted(name)}");
        }

        foreach (var table in Tables)
            Connections.Execute(Connection, $"DELETE FROM {MoveTable.Quoted(table.Name)}");
    }

    public IRowWriter Write(MoveTable table) => new RowWriter(Connection, table);

    public void Set(IReadOnlyDictionary<string, long> numbers)
    {
        Connections.Execute(Connection, "DELETE FROM sqlite_sequence");
        using var statement = new SqliteStatement(
            Connection.Handle!,
            "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)",
            isKept: false
        );
        foreach (var (table, last) in numbers)
            statement.Reset().Add(table).Add(last).Run();
    }

    public IBodyWriter WriteBodies() => Bodies;

    public void End()
    {
        foreach (var sql in _triggers)
            Connections.Execute(Connection, sql);
        _triggers = [];
    }

    public void Commit()
    {
        Connections.Execute(Connection, "COMMIT");
        Connections.Execute(Connection, "PRAGMA journal_mode=WAL");
        Connection.Dispose();
        if (File.Exists(Draft + "-wal"))
            throw new IOException($"'{Draft}' could not be completed; is the disk full?");
        using (var file = File.OpenHandle(Draft, FileMode.Open, FileAccess.ReadWrite))
            RandomAccess.FlushToDisk(file);
        PrivateFiles.GiveTo(_directory, [Draft, Path.Combine(_directory, "lock")]);
        File.Delete(Path.Combine(_directory, MovedNote.FileName)); // of a store that is not there any more
        File.Move(Draft, _path);
        _isCommitted = true;
        DirectorySync.Flush(_directory);
    }

    public override void Dispose()
    {
        Connection.Dispose();
        if (!_isCommitted)
        {
            Remove(Draft);
            Bodies.Forget();
        }

        _lock.Dispose();
    }

    private static void Remove(string draft)
    {
        foreach (var ending in (string[])["", "-journal", "-wal", "-shm", ".new"])
            File.Delete(draft + ending);
    }

    private sealed class RowWriter(SqliteConnection connection, MoveTable table) : IRowWriter
    {
        private readonly SqliteStatement _insert = new(
            connection.Handle!,
            $"INSERT INTO {MoveTable.Quoted(table.Name)} ({table.ColumnList}) VALUES "
                + $"({string.Join(", ", Enumerable.Range(1, table.Columns.Count).Select(static n => $"?{n}"))})",
            isKept: false
        );

        public void Write(ReadOnlySpan<Cell> row)
        {
            _insert.Reset();
            for (var i = 0; i < row.Length; i++)
            {
                _ = row[i] switch
                {
                    { IsNull: true } => _insert.AddNull(ColumnKind.Any),
                    { Octets: null } number => _insert.Add(number.Number),
                    var one when table.Columns[i].Kind == ColumnKind.Text => _insert.AddText(one.Octets),
                    var one => _insert.AddBlob(one.Octets),
                };
            }

            _insert.Run();
        }

        public void End() { }

        public void Dispose() => _insert.Dispose();
    }
}
