using System.ComponentModel.DataAnnotations;

namespace MailProxy.Daemon.Hosting;

/// <summary>Where mail, events and configuration are kept.</summary>
public sealed class StorageSettings
{
    public const string Sqlite = "sqlite";

    public const string Postgres = "postgres";

    /// <summary>
    /// <c>sqlite</c>: a file in the data directory. <c>postgres</c>: a PostgreSQL database (15 or newer), which several nodes may share;
    /// see the guides of PostgreSQL and of several nodes.
    /// </summary>
    [AllowedValues(Sqlite, Postgres)]
    public string Provider { get; init; } = Sqlite;

    /// <summary>
    /// With <c>postgres</c>: how to reach the database, as Npgsql writes it, mostly with a secret:
    /// <c>Host=db.example.com;Username=mailproxy;Password=…;Database=mailproxy;SSL Mode=VerifyFull</c>. None: <see
    /// cref="ConnectionStringFile"/>, else the systemd credential <c>mailproxy-storage</c>.
    /// </summary>
    public string? ConnectionString { get; init; }

    /// <summary>
    /// A file with it, read at the start; relative to where the program was started. Not together with <c>ConnectionString</c>.
    /// </summary>
    public string? ConnectionStringFile { get; init; }

    public NodeSettings Nodes { get; init; } = new();

    /// <summary>The connection string, from wherever it came; null with <c>sqlite</c>.</summary>
    internal string? Connection { get; set; }

    /// <summary>Why there is no connection string where there must be one, in one line; null: nothing.</summary>
    internal string? Trouble { get; set; }

    internal bool IsPostgres => Provider == Postgres;
}
