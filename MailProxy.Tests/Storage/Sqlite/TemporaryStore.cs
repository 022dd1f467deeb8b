using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace MailProxy.Tests.Storage.Sqlite;

/// <summary>A real database in a directory of its own; may be closed and opened again.</summary>
internal sealed class TemporaryStore : IDisposable
{
    private SqliteDatabase? _database;

    public string Path { get; } = Directory.CreateTempSubdirectory("mailproxy-store-").FullName;

    public MasterKey Key { get; } = MasterKey.Generate();

    public SecretBox Box => new([Key]);

    public SpoolFiles Spool => new(System.IO.Path.Combine(Path, "spool"));

    public SqliteDatabase Database
    {
        get
        {
            if (_database is not null)
                return _database;
            return _database = OpenAt(Path);
        }
    }

    /// <summary>Opens a database there, with what a test does not care about made up.</summary>
    public static SqliteDatabase OpenAt(
        string path,
        PipelineHealth? health = null,
        ILogger? log = null,
        TimeSpan? backOff = null,
        IReadOnlyList<Migration>? migrations = null
    ) =>
        SqliteDatabase.Open(
            path,
            health ?? new(),
            new PipelineMetrics(Metrics.NewCustomRegistry()),
            log ?? NullLogger.Instance,
            backOff ?? TimeSpan.FromMilliseconds(20),
            migrations ?? Migrator.Embedded
        );

    /// <summary>Writes past every interface: what another version, or a broken disk, may have left.</summary>
    public Task<int> RunAsync(string sql, params (string Name, object? Value)[] parameters) =>
        Database.Writer.WriteAsync(db => db.Bare().Run(sql, parameters));

    public List<T> Query<T>(string sql, Func<SqliteDataReader, T> row) => Database.Readers.Read(db => db.Bare().Query(sql, row));

    public void Close()
    {
        _database?.Dispose();
        _database = null;
    }

    public void Dispose()
    {
        Close();
        Directory.Delete(Path, recursive: true);
    }
}
