using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Opens connections, with the settings that each kind needs.</summary>
internal static class Connections
{
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
                + $"wal_autocheckpoint=0; PRAGMA journal_size_limit={keepLogBytes}; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY; "
                + "PRAGMA secure_delete=FAST;"
        );
        return connection;
    }

    public static SqliteConnection OpenReader(string path)
    {
        var connection = Open(path, SqliteOpenMode.ReadOnly);
        Execute(connection, "PRAGMA busy_timeout=5000; PRAGMA cache_size=-8192; PRAGMA temp_store=MEMORY;");
        return connection;
    }

    public static SqliteConnection OpenPlain(string path) => Open(path, SqliteOpenMode.ReadWriteCreate);

    /// <summary>Fails when the file does not exist.</summary>
    public static SqliteConnection OpenExisting(string path) => Open(path, SqliteOpenMode.ReadWrite);

    public static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public static long Number(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() as long? ?? 0;
    }

    public static List<string> Texts(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var texts = new List<string>();
        while (reader.Read())
            texts.Add(reader.GetString(0));
        return texts;
    }

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
            return connection;
        }
        catch (SqliteException)
        {
            connection.Dispose();
            throw;
        }
    }
}
