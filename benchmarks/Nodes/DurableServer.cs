using System.Globalization;
using MailProxy.Benchmarks.Support;
using MailProxy.Tests.Support;
using Npgsql;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>
/// A PostgreSQL server in a directory of its own that writes as in production: what is committed is synced. It may have a replica that
/// takes over.
/// </summary>
internal sealed class DurableServer : IDisposable
{
    /// <summary>What differs from Debian's settings, for reports.</summary>
    public const string Differences = "`shared_buffers` 256 MB, `max_wal_size` 4 GB, no socket but 127.0.0.1";

    private const string Database = "mail";

    private readonly DirectoryInfo _root;

    private DurableServer(DirectoryInfo root, int port) => (_root, Port) = (root, port);

    public int Port { get; }

    public string ConnectionString => string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={Port};{Rest}");

    private static string Rest => $"Username={PostgresPrograms.User};Database={Database}";

    private string Data => Path.Combine(_root.FullName, "data");

    private int Postmaster => int.Parse(File.ReadLines(Path.Combine(Data, "postmaster.pid")).First().Trim(), CultureInfo.InvariantCulture);

    /// <summary>Seconds of processor time of all its processes, also of those that have ended.</summary>
    public double Cpu => CpuTime.OfTree(Postmaster);

    /// <summary>A new server with an empty database.</summary>
    /// <param name="settings">Further lines of <c>postgresql.conf</c>.</param>
    public static DurableServer Start(params string[] settings)
    {
        var server = New();
        try
        {
            PostgresPrograms.AsItself(
                "initdb",
                ["-D", server.Data, "-U", PostgresPrograms.User, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-instructions"]
            );
            server.Run([
                "shared_buffers = 256MB",
                "max_wal_size = 4GB",
                "max_connections = 200",
                "listen_addresses = '127.0.0.1'",
                "unix_socket_directories = ''",
                .. settings,
            ]);
            server.Execute($"CREATE DATABASE {Database}", PostgresPrograms.User);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>A replica that follows this one.</summary>
    /// <param name="port">Where one was before; null: a free one.</param>
    public DurableServer Replicate(int? port = null)
    {
        var replica = New(port);
        try
        {
            PostgresPrograms.AsItself(
                "pg_basebackup",
                [
                    "-D",
                    replica.Data,
                    "-R",
                    "-X",
                    "stream",
                    "-c",
                    "fast",
                    "-d",
                    $"host=127.0.0.1 port={PortText} user={PostgresPrograms.User}",
                ]
            );
            replica.Run([]);
            return replica;
        }
        catch
        {
            replica.Dispose();
            throw;
        }
    }

    /// <summary>A string that names this server and another port, of which one takes writes.</summary>
    public string With(int other) =>
        string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1:{Port},127.0.0.1:{other};Target Session Attributes=primary;{Rest}");

    /// <summary>A commit is acknowledged when a replica has it, or when this server has it. Returns when that is in force.</summary>
    public async Task WaitForReplicasAsync(bool isSynchronous)
    {
        Execute($"ALTER SYSTEM SET synchronous_standby_names = '{(isSynchronous ? "ANY 1 (*)" : "")}'");
        Execute("SELECT pg_reload_conf()");
        var wanted = isSynchronous ? "quorum" : "async";
        await using var connection = Open();
        await using var command = new NpgsqlCommand(
            $"SELECT count(*) FROM pg_stat_replication WHERE sync_state = '{wanted}' AND state = 'streaming'",
            connection
        );
        for (var left = 600; (long)(await command.ExecuteScalarAsync())! == 0; left--)
        {
            if (left == 0)
                throw new TimeoutException("The replica does not follow after a minute.");
            await Task.Delay(100);
        }
    }

    public void Promote() => PostgresPrograms.AsItself("pg_ctl", "-D", Data, "-w", "-t", "60", "promote");

    /// <summary>kill -9 of the postmaster and of all its processes.</summary>
    public void Kill()
    {
        if (!IsThere)
            return;
        int[] all = [Postmaster, .. CpuTime.Children(Postmaster)];
        foreach (var process in all)
        {
            try
            {
                using var one = System.Diagnostics.Process.GetProcessById(process);
                one.Kill();
            }
            catch (Exception error) when (error is ArgumentException or InvalidOperationException)
            {
                // It has ended by itself meanwhile, since its postmaster has.
            }
        }

        File.Delete(Path.Combine(Data, "postmaster.pid"));
    }

    public void Execute(string sql, string database = Database)
    {
        using var connection = Open(database);
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    /// <summary>A connection for whoever looks on.</summary>
    public NpgsqlConnection Open(string database = Database)
    {
        var connection = new NpgsqlConnection(
            $"Host=127.0.0.1;Port={PortText};Username={PostgresPrograms.User};Database={database};Pooling=false;Search Path=mailproxy"
        );
        connection.Open();
        return connection;
    }

    public void Dispose()
    {
        if (IsThere)
            PostgresPrograms.AsItself("pg_ctl", "-D", Data, "-m", "immediate", "-w", "stop");
        _root.Delete(recursive: true);
    }

    private bool IsThere => File.Exists(Path.Combine(Data, "postmaster.pid"));

    private string PortText => Port.ToString(CultureInfo.InvariantCulture);

    private static DurableServer New(int? port = null)
    {
        var root = Directory.CreateTempSubdirectory("mailproxy-durable-");
        PostgresPrograms.Give(root.FullName);
        return new(root, port ?? FreePort.Take());
    }

    private void Run(IEnumerable<string> settings)
    {
        File.AppendAllLines(Path.Combine(Data, "postgresql.conf"), [.. settings, $"port = {PortText}"]);
        PostgresPrograms.AsItself("pg_ctl", "-D", Data, "-w", "-t", "60", "-l", Path.Combine(_root.FullName, "log"), "start");
    }
}
