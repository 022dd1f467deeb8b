using MailProxy.Pipeline.Disk;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>How a server keeps what it has committed, as far as the role may see it.</summary>
/// <param name="Version">Of the server: <c>15.18</c>.</param>
/// <param name="IsReplica">It replays another server and cannot be written.</param>
/// <param name="Synchronous">Its <c>synchronous_standby_names</c>; empty: no commit waits for a replica.</param>
/// <param name="Replicas">
/// The <c>sync_state</c> of each replica that streams (<c>async</c>, <c>potential</c>, <c>sync</c>, <c>quorum</c>); null: the role may not
/// see it, which takes <c>pg_monitor</c>.
/// </param>
public sealed record PgSafety(
    string Version,
    bool IsReplica,
    bool Fsync,
    bool FullPageWrites,
    string Synchronous,
    IReadOnlyList<string?> Replicas
)
{
    private const char Separator = ',';

    // Whose states are hidden is counted, since it is there. A base backup that runs, or a subscriber of single tables, is no replica.
    private const string Sql = """
        SELECT pg_is_in_recovery(), current_setting('fsync')::boolean, current_setting('full_page_writes')::boolean,
            trim(current_setting('synchronous_standby_names')),
            (SELECT string_agg(coalesce(r.sync_state, ''), ',') FROM pg_stat_replication r
             WHERE coalesce(r.state, 'streaming') IN ('streaming', 'catchup') AND NOT EXISTS
                (SELECT FROM pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical'))
        """;

    /// <summary>Asks the server. Throws <see cref="StoreRefusedException"/> when it cannot be reached or refuses the connection.</summary>
    public static PgSafety Read(string connectionString)
    {
        using var source = PgServer.Source(connectionString);
        using var connection = PgServer.OpenFirst(source);
        using var command = new NpgsqlCommand(Sql, connection);
        using var row = command.ExecuteReader();
        row.Read();
        return new(
            connection.ServerVersion,
            row.GetBoolean(0),
            row.GetBoolean(1),
            row.GetBoolean(2),
            row.GetString(3),
            row.IsDBNull(4) ? [] : [.. row.GetString(4).Split(Separator).Select(static state => state.Length == 0 ? null : state)]
        );
    }
}
