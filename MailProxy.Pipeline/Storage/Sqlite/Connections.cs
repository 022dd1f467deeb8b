using MailProxy.Pipeline.Storage.Sql;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Opens connections, with the settings that each kind needs.</summary>
internal static class Connections
{
    // Milliseconds that a new connection waits for another process, until it is given its own time.
    private const int OpenTimeout = 30_000;

    // Nobody asks SQLite how much memory it has: counting it takes a lock of the whole process at each allocation, in all threads. It is a
    // misuse that changes nothing when somebody in this process has used SQLite before.
    static Connections()
    {
        Batteries_V2.Init();
        _ = raw.sqlite3_config(raw.SQLITE_CONFIG_MEMSTATUS, 0);
    }

    /// <summary>
    /// Opens the connection that writes. FULL syncs the log at each commit, so what was acknowledged survives a power cut. The connection
    /// never
    /// checkpoints by itself: <see cref="Checkpointer"/> does. Deleted data is overwritten where that needs no additional page.
    /// </summary>
    public static SqliteConnection OpenWriter(string path, long keepLogBytes)
    {
        var connection = OpenPlain(path);
        Execute(
            connection,
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000; PRAGMA foreign_keys=OFF; PRAGMA "
                + $"wal_autocheckpoint=0; PRAGMA journal_size_limit={keepLogBytes}; PRAGMA cache_size=-40960; PRAGMA temp_store=MEMORY; "
                + "PRAGMA secure_delete=FAST;"
        );
        return connection;
    }

    public static SqliteConnection OpenReader(string path)
    {
        var connection = Open(path, SqliteOpenMode.ReadOnly);
        Execute(connection, "PRAGMA busy_timeout=5000; PRAGMA cache_size=-8192; PRAGMA temp_store=MEMORY;");
        connection.CreateFunction<string?, string?, bool>(MessageTermSql.Contains, IsIn, isDeterministic: true);
        return connection;
    }

    public static SqliteConnection OpenPlain(string path) => Open(path, SqliteOpenMode.ReadWriteCreate);

    /// <summary>Fails when the file does not exist.</summary>
    public static SqliteConnection OpenExisting(string path) => Open(path, SqliteOpenMode.ReadWrite);

    /// <summary>Runs one or several statements without parameters.</summary>
    public static void Execute(SqliteConnection connection, string sql) =>
        SqliteException.ThrowExceptionForRC(raw.sqlite3_exec(connection.Handle, sql), connection.Handle);

    /// <summary>The number that a statement without parameters answers; 0 when there is none.</summary>
    public static long Number(SqliteConnection connection, string sql)
    {
        using var statement = new SqliteStatement(connection.Handle!, sql, isKept: false);
        return statement.Scalar() ?? 0;
    }

    /// <summary>The texts that a statement answers.</summary>
    public static List<string> Texts(SqliteConnection connection, string sql)
    {
        using var statement = new SqliteStatement(connection.Handle!, sql, isKept: false);
        var texts = new List<string>();
        while (statement.Step())
            texts.Add(statement.Text(0));
        return texts;
    }

    // SQLite's own functions know the case of ASCII letters only.
    private static bool IsIn(string? text, string? part) =>
        text is not null && part is not null && text.Contains(part, StringComparison.OrdinalIgnoreCase);

    private static SqliteConnection Open(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = path,
                Mode = mode,
                Pooling = false,
            }.ToString()
        );
        try
        {
            connection.Open();
            SqliteException.ThrowExceptionForRC(raw.sqlite3_busy_timeout(connection.Handle, OpenTimeout), connection.Handle);
            return connection;
        }
        catch (SqliteException)
        {
            connection.Dispose();
            throw;
        }
    }
}
