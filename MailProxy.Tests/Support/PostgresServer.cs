using System.Globalization;
using MailProxy.Pipeline.Storage.Postgres;
using Npgsql;

namespace MailProxy.Tests.Support;

/// <summary>
/// A PostgreSQL server in a directory of its own, for as long as the tests run. Databases come and go with those who use them. Needs
/// Debian's postgresql; as root it runs as Debian's user postgres, since it refuses to be root.
/// </summary>
internal sealed class PostgresServer : IDisposable
{
    private static readonly Lazy<PostgresServer> One = new(static () => new PostgresServer());

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mailproxy-postgres-");
    private readonly int _port = FreePort.Take();
    private readonly Lazy<string> _template;
    private readonly Dictionary<string, string> _ofDirectories = [];
    private int _made;

    /// <param name="primary">Whose replica it is; null: nobody's.</param>
    private PostgresServer(PostgresServer? primary = null)
    {
        _template = new(MakeTemplate);
        try
        {
            PostgresPrograms.Give(_root.FullName);
            if (primary is null)
                MakeCluster();
            else
                PostgresPrograms.AsItself("pg_basebackup", "-D", Data, "-R", "-c", "fast", "--no-sync", "-d", primary.ConnectionUri);
            Serve();
        }
        catch
        {
            _root.Delete(recursive: true);
            throw;
        }
    }

    /// <summary>The server that all tests share; started when the first asks.</summary>
    public static PostgresServer Shared => One.Value;

    // What a test loses with the machine it does not miss.
    private string Settings =>
        $"-c listen_addresses=127.0.0.1 -c port={Port} -c unix_socket_directories= -c fsync=off "
        + "-c full_page_writes=off -c max_connections=400 -c shared_buffers=64MB";

    private string Data => Path.Combine(_root.FullName, "data");

    private string Port => _port.ToString(CultureInfo.InvariantCulture);

    /// <summary>A server that a test has alone.</summary>
    public static PostgresServer StartOwn() => new();

    /// <summary>A server that streams what this one commits, asynchronously.</summary>
    public PostgresServer StartReplica() => new(this);

    /// <summary>Ends the shared server, if any test has used it.</summary>
    public static void EndShared()
    {
        if (One.IsValueCreated)
            One.Value.Dispose();
    }

    public int PortNumber => _port;

    /// <param name="port">Another way to it; null: straight.</param>
    public string ConnectionString(string database, int? port = null) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"Host=127.0.0.1;Port={port ?? _port};Username={PostgresPrograms.User};Database={database}"
        );

    /// <summary>A database with the store's tables, or an empty one.</summary>
    public string MakeDatabase(bool isEmpty = false)
    {
        var name = $"t{Interlocked.Increment(ref _made).ToString(CultureInfo.InvariantCulture)}";
        Execute(isEmpty ? $"CREATE DATABASE {name}" : $"CREATE DATABASE {name} TEMPLATE {_template.Value}");
        return name;
    }

    /// <summary>The database that belongs to a data directory, made when it is asked for first.</summary>
    public string DatabaseOf(string directory)
    {
        lock (_ofDirectories)
            return _ofDirectories.TryGetValue(directory, out var name) ? name : _ofDirectories[directory] = MakeDatabase();
    }

    public void DropDatabase(string name) => Execute($"DROP DATABASE {name} WITH (FORCE)");

    /// <summary>Ends every connection to a database, as when the processes that had them were killed.</summary>
    public void CutOff(string name) => Execute($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");

    /// <summary>Whether a database refuses new connections.</summary>
    public void Close(string name, bool isClosed) => Execute($"ALTER DATABASE {name} ALLOW_CONNECTIONS {(isClosed ? "false" : "true")}");

    /// <summary>Ends the server as a crash does, and starts it again.</summary>
    public void Restart()
    {
        PostgresPrograms.AsItself("pg_ctl", "-D", Data, "-m", "immediate", "-w", "stop");
        Serve();
    }

    /// <summary>Everything that is in a database, as text.</summary>
    public string Dump(string name) =>
        PostgresPrograms.Output("pg_dump", "-h", "127.0.0.1", "-p", Port, "-U", PostgresPrograms.User, "--inserts", name);

    public void Dispose()
    {
        PostgresPrograms.AsItself("pg_ctl", "-D", Data, "-m", "immediate", "-w", "stop");
        _root.Delete(recursive: true);
    }

    private void MakeCluster()
    {
        string[] how = ["-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions"];
        PostgresPrograms.AsItself("initdb", ["-D", Data, "-U", PostgresPrograms.User, .. how]);
    }

    private void Serve()
    {
        var log = Path.Combine(_root.FullName, "log");
        PostgresPrograms.AsItself("pg_ctl", "-D", Data, "-w", "-t", "60", "-l", log, "-o", Settings, "start");
    }

    private string MakeTemplate()
    {
        Execute("CREATE DATABASE store");
        using var source = PgServer.Source(ConnectionString("store"));
        using var connection = PgServer.OpenFirst(source);
        PgMigrator.Run(connection, PgServer.Schema);
        return "store";
    }

    private string ConnectionUri => $"postgresql://{PostgresPrograms.User}@127.0.0.1:{Port}/";

    /// <summary>Statements of the superuser, apart from any store.</summary>
    public void Execute(string sql) => Execute(PostgresPrograms.User, sql);

    /// <summary>As the server's superuser.</summary>
    public void Execute(string database, string sql)
    {
        using var connection = new NpgsqlConnection(ConnectionString(database) + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }
}
