using System.Diagnostics;
using Npgsql;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>Looks at the server's own counts at the begin and the end of a slice.</summary>
internal sealed class DriftLook : IDisposable
{
    /// <summary>A line of the server's configuration that the counts need.</summary>
    public const string Setting = "shared_preload_libraries = 'pg_stat_statements'";

    public static readonly string[] Tables = ["queue", "bodies", "events", "marks", "messages", "recipients"];

    private readonly NpgsqlConnection _connection;
    private readonly Stopwatch _watch = Stopwatch.StartNew();

    public DriftLook(DurableServer server)
    {
        server.Execute("CREATE EXTENSION pg_stat_statements SCHEMA public");
        _connection = server.Open();
    }

    public TimeSpan Now => _watch.Elapsed;

    public void Begin()
    {
        using var command = new NpgsqlCommand("SELECT public.pg_stat_statements_reset()", _connection);
        command.ExecuteNonQuery();
    }

    public DriftSlice End(DriftPart part, Rated rated) => new(part, rated, Claims(), Sizes());

    public void Dispose() => _connection.Dispose();

    // The readings of waiting mail, lane by lane.
    private double Claims()
    {
        const string Sql = """
            SELECT coalesce(sum(total_exec_time) / nullif(sum(calls), 0), 0) FROM public.pg_stat_statements
            WHERE query LIKE 'SELECT message, revision, attempt, due, recipients%FROM queue%'
            """;
        using var command = new NpgsqlCommand(Sql, _connection);
        return (double)command.ExecuteScalar()!;
    }

    private Dictionary<string, (long Dead, long Bytes)> Sizes()
    {
        const string Sql = """
            SELECT relname::text, n_dead_tup, pg_total_relation_size(relid) FROM pg_stat_user_tables WHERE schemaname = 'mailproxy'
                AND relname = ANY($1)
            """;
        using var command = new NpgsqlCommand(Sql, _connection) { Parameters = { new NpgsqlParameter { Value = Tables } } };
        using var reader = command.ExecuteReader();
        var found = new Dictionary<string, (long, long)>();
        while (reader.Read())
            found[reader.GetString(0)] = (reader.GetInt64(1), reader.GetInt64(2));
        return found;
    }
}

/// <summary>What is left when all was sent.</summary>
internal sealed class DriftRest(DurableServer server)
{
    /// <summary>Waits until retention has taken every body away; how many are left.</summary>
    public async Task<long> ForgottenAsync(TimeSpan within)
    {
        await using var connection = server.Open();
        await using var command = new NpgsqlCommand("SELECT count(*) FROM bodies", connection);
        var begun = Stopwatch.GetTimestamp();
        while (true)
        {
            var left = (long)(await command.ExecuteScalarAsync())!;
            if (left == 0 || Stopwatch.GetElapsedTime(begun) > within)
                return left;
            await Task.Delay(250);
        }
    }
}
