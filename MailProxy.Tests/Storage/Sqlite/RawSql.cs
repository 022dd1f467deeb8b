using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace MailProxy.Tests.Storage.Sqlite;

/// <summary>Runs one statement with named parameters on a bare connection, beside the statements of the store.</summary>
internal static class RawSql
{
    /// <summary>Reads with several statements that see the same snapshot, on the caller's thread.</summary>
    public static T Snapshot<T>(this StoreReaders readers, Func<Session, T> read) =>
        readers.Read(session =>
        {
            session.Run("BEGIN");
            var result = read(session);
            session.Run("COMMIT");
            return result;
        });

    /// <summary>The connection of a session of SQLite.</summary>
    public static SqliteConnection Bare(this Session session) => ((SqliteSession)session).Connection;

    /// <summary>Returns the number of changed rows.</summary>
    public static int Run(this SqliteConnection db, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(db, sql, parameters);
        return command.ExecuteNonQuery();
    }

    public static List<T> Query<T>(
        this SqliteConnection db,
        string sql,
        Func<SqliteDataReader, T> row,
        params ReadOnlySpan<(string Name, object? Value)> parameters
    )
    {
        using var command = Command(db, sql, parameters);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(row(reader));
        return rows;
    }

    /// <summary>The first row, or null when there is none.</summary>
    public static T? QueryFirst<T>(
        this SqliteConnection db,
        string sql,
        Func<SqliteDataReader, T> row,
        params ReadOnlySpan<(string Name, object? Value)> parameters
    )
        where T : class
    {
        using var command = Command(db, sql, parameters);
        using var reader = command.ExecuteReader();
        return reader.Read() ? row(reader) : null;
    }

    /// <summary>The first column of the first row; null when there is no row, or when it is NULL.</summary>
    public static long? QueryNumber(this SqliteConnection db, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(db, sql, parameters);
        return command.ExecuteScalar() as long?;
    }

    public static SqliteCommand Command(this SqliteConnection db, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = db.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }

    public static string? TextOrNull(this SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static long? NumberOrNull(this SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);

    public static byte[]? BytesOrNull(this SqliteDataReader row, int column) =>
        row.IsDBNull(column) ? null : row.GetFieldValue<byte[]>(column);
}
