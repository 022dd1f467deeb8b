using System.Data;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Postgres;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Moves;

/// <summary>The one connection of a move.</summary>
internal sealed class PgLink : IDisposable
{
    private readonly NpgsqlDataSource _source;

    private PgLink(NpgsqlDataSource source, NpgsqlConnection connection) => (_source, Connection) = (source, connection);

    public NpgsqlConnection Connection { get; }

    /// <summary>Throws <see cref="StoreRefusedException"/> when the server cannot be used, or its schema is another program's.</summary>
    /// <param name="version">The schema's; 0: there is none.</param>
    public static PgLink Open(MovePlace place, out int version)
    {
        // A table is one statement, however long that takes.
        var source = PgServer.Source(
            $"{place.Text.TrimEnd(';', ' ')};Command Timeout=0",
            $"{PgServer.ApplicationName} migrate-store",
            setting: place.Option
        );
        NpgsqlConnection? connection = null;
        try
        {
            connection = PgServer.OpenFirst(source, place.Option);
            var link = new PgLink(source, connection);
            version = PgMigrator.Version(connection, PgServer.Schema);
            if (version > PgMigrator.Latest)
            {
                throw new StoreRefusedException(
                    $"{place.Option}: the schema '{PgServer.Schema}' is of a newer program (version {version}; this one knows "
                        + $"{PgMigrator.Latest}). Use that one."
                );
            }

            return link;
        }
        catch
        {
            connection?.Dispose();
            source.Dispose();
            throw;
        }
    }

    public void Run(string sql)
    {
        using var command = new NpgsqlCommand(sql, Connection);
        command.ExecuteNonQuery();
    }

    /// <summary>Null: there is no row, or NULL.</summary>
    public long? Number(string sql, params ReadOnlySpan<object> values)
    {
        long? number = null;
        Query(sql, [.. values], row => number ??= row.IsDBNull(0) ? null : row.GetInt64(0));
        return number;
    }

    public void Query(string sql, object[] values, Action<NpgsqlDataReader> each)
    {
        using var command = new NpgsqlCommand(sql, Connection);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        using var reader = command.ExecuteReader(CommandBehavior.SequentialAccess);
        while (reader.Read())
            each(reader);
    }

    /// <summary>
    /// Begins the transaction of the move: a daemon writes nothing from here on, as each of its turns changes a row of nodes. Throws <see
    /// cref="StoreRefusedException"/> when one uses the database.
    /// </summary>
    public NpgsqlTransaction Begin(MovePlace place, IsolationLevel level)
    {
        RefuseInUse(place);
        var transaction = Connection.BeginTransaction(level);
        try
        {
            Run("SET LOCAL lock_timeout = '5s'");
            Run("LOCK TABLE nodes IN SHARE ROW EXCLUSIVE MODE");
            return transaction;
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            transaction.Dispose();
            throw InUse(place);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            transaction.Dispose();
            throw NotTheOwner(error);
        }
    }

    /// <summary>
    /// Throws <see cref="StoreRefusedException"/> when a daemon is connected. The server notices a moment later that one has ended.
    /// </summary>
    public void RefuseInUse(MovePlace place)
    {
        for (var tries = 0; InUseBy() > 0; tries++)
        {
            if (tries == 20)
                throw InUse(place);
            Run("SELECT pg_sleep(0.1)");
        }
    }

    public StoreRefusedException NotTheOwner(PostgresException error) =>
        new(
            $"The role '{Connection.UserName}' may not move a store in the schema '{PgServer.Schema}' ({error.MessageText}). Use the role "
                + "that owns its tables.",
            error
        );

    public void Dispose()
    {
        Connection.Dispose();
        _source.Dispose();
    }

    private long InUseBy() =>
        Number(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
                + $"AND application_name LIKE '{PgServer.ApplicationName}%'"
        ) ?? 0;

    private static StoreRefusedException InUse(MovePlace place) =>
        new($"{place.Option}: a daemon is connected to the database {place.Name}. Stop every node that uses it, and then move the store.");
}
