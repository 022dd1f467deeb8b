using MailProxy.Pipeline.Storage.Postgres;
using Npgsql;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>Looks into the database of a run.</summary>
internal sealed class StoreLook(string connectionString)
{
    /// <summary>How many events the webhook should be told.</summary>
    public const string ToldEvents = "SELECT count(*) FROM events WHERE message IS NOT NULL";

    public long Count(string sql) => Each(sql, static row => row.GetInt64(0)).Single();

    public List<T> Each<T>(string sql, Func<NpgsqlDataReader, T> row)
    {
        using var connection = new NpgsqlConnection($"{connectionString};Pooling=false;Search Path={PgServer.Schema}");
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(row(reader));
        return rows;
    }
}
