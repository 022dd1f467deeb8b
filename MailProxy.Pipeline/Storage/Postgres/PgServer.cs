using System.Data.Common;
using System.Globalization;
using System.Net.Sockets;
using MailProxy.Pipeline.Disk;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>Opens connections to the server, with the settings that they need.</summary>
internal static class PgServer
{
    /// <summary>The schema that everything is in.</summary>
    public const string Schema = "mailproxy";

    /// <summary>What the names of all connections begin with.</summary>
    public const string ApplicationName = "mailproxy";

    private const string Setting = "Storage:ConnectionString";

    private const int OldestVersion = 15;

    // jit costs more than these statements take. The rest is what the store's promises rest upon, whatever the server's defaults are.
    private const string Settings =
        $"SET statement_timeout = 0; SET search_path = {Schema}; SET jit = off; SET synchronous_commit = on; "
        + "SET default_transaction_isolation = 'read committed'; "
        + "SET client_min_messages = warning; SET idle_in_transaction_session_timeout = 0; SET idle_session_timeout = 0; "
        + LookForClient;

    // Who was given up does not go on: a search, or a wait for a lock. Servers on some systems do not know how to look.
    private const string LookForClient =
        "DO $$ BEGIN PERFORM set_config('client_connection_check_interval', '2s', false); EXCEPTION WHEN OTHERS THEN NULL; END $$";

    /// <summary>What the connections of a node are called, for people and for who ends them.</summary>
    public static string NameOf(long session) => string.Create(CultureInfo.InvariantCulture, $"{ApplicationName} {session}");

    /// <summary>Throws <see cref="StoreRefusedException"/> when it is no connection string.</summary>
    /// <param name="name">What its connections are called.</param>
    /// <param name="seconds">How long a statement may take, unless the connection string says it; null: 15.</param>
    /// <param name="setting">Where it stands, for complaints.</param>
    public static NpgsqlDataSource Source(
        string connectionString,
        string name = ApplicationName,
        int? seconds = null,
        string setting = Setting
    )
    {
        NpgsqlConnectionStringBuilder wanted;
        try
        {
            wanted = new(connectionString);
        }
        catch (Exception error) when (error is ArgumentException or FormatException or KeyNotFoundException)
        {
            throw new StoreRefusedException($"{setting} cannot be read: {error.Message}", error);
        }

        if (string.IsNullOrEmpty(wanted.Host))
            throw new StoreRefusedException($"{setting} names no server: Host=… is missing.");
        wanted.ApplicationName = name;
        wanted.Pooling = false; // each connection is held by who uses it
        wanted.Enlist = false;
        wanted.TcpKeepAlive = true;
        wanted.CancellationTimeout = -1; // a statement that takes too long ends its connection, and its turn is asked for
        if (!IsGiven(connectionString, "Max Auto Prepare"))
            (wanted.MaxAutoPrepare, wanted.AutoPrepareMinUsages) = (400, 2);
        if (!IsGiven(connectionString, "Command Timeout"))
            wanted.CommandTimeout = seconds ?? 15;
        if (!IsGiven(connectionString, "Timeout"))
            wanted.Timeout = 5;
        if (!IsGiven(connectionString, "Host Recheck Seconds"))
            wanted.HostRecheckSeconds = 0; // a replica may have been promoted a moment ago
        var builder = new NpgsqlSlimDataSourceBuilder(wanted.ConnectionString);
        builder.EnableTransportSecurity();
        builder.EnableArrays();
        builder.UsePhysicalConnectionInitializer(Initialize, InitializeAsync);
        return builder.Build();
    }

    /// <summary>A first connection. Throws <see cref="StoreRefusedException"/> when there is none to be had.</summary>
    public static NpgsqlConnection OpenFirst(NpgsqlDataSource source, string setting = Setting)
    {
        try
        {
            var connection = source.OpenConnection();
            if (Mistaken(connection) is not { } mistake)
                return connection;
            connection.Dispose();
            throw new StoreRefusedException(mistake);
        }
        catch (PostgresException error)
        {
            var hint = error.SqlState switch
            {
                "3D000" => " Make it: CREATE DATABASE … OWNER … ENCODING 'UTF8'.",
                "57014" => " The role or the database has a statement_timeout, within which no connection can be set up.",
                _ => "",
            };
            throw new StoreRefusedException(
                $"PostgreSQL refuses the connection: {error.MessageText} ({error.SqlState}). {setting} says where and as whom.{hint}",
                error
            );
        }
        catch (Exception error) when (error is NpgsqlException or SocketException or TimeoutException)
        {
            throw new StoreRefusedException(
                $"PostgreSQL cannot be reached: {(error.InnerException ?? error).Message}. {setting} names the server.",
                error
            );
        }
    }

    /// <summary>Why this server, or this database, cannot hold a store; null: it can.</summary>
    private static string? Mistaken(NpgsqlConnection connection)
    {
        if (connection.PostgreSqlVersion.Major < OldestVersion)
            return $"The server is PostgreSQL {connection.ServerVersion}; MailProxy needs {OldestVersion} or newer.";
        using var command = new NpgsqlCommand("SHOW server_encoding", connection);
        return command.ExecuteScalar() is "UTF8"
            ? null
            : $"The database '{connection.Database}' has the encoding {connection.PostgresParameters["server_encoding"]}, which does not "
                + "take every mail. Make another one: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.";
    }

    // Npgsql's own builder says of every keyword that it has it.
    private static bool IsGiven(string connectionString, string keyword) =>
        new DbConnectionStringBuilder { ConnectionString = connectionString }
            .Keys.Cast<string>()
            .Any(key => Bare(key).Equals(Bare(keyword), StringComparison.OrdinalIgnoreCase));

    private static string Bare(string keyword) => keyword.Replace(" ", "", StringComparison.Ordinal);

    private static void Initialize(NpgsqlConnection connection)
    {
        using var command = new NpgsqlCommand(Settings, connection);
        command.ExecuteNonQuery();
    }

    private static async Task InitializeAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand(Settings, connection);
        await command.ExecuteNonQueryAsync();
    }
}
