using MailProxy.Pipeline.Storage.Postgres;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace MailProxy.Tests.Storage;

/// <summary>The message store in a PostgreSQL database of its own.</summary>
internal sealed class PostgresBench : SqlBench
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mailproxy-store-");
    private readonly string _database = PostgresServer.Shared.MakeDatabase();

    public PostgresBench() => Open();

    public override bool KnowsPhases => false;

    public PgDatabase Database => (PgDatabase)Data;

    protected override string SpoolDirectory => Path.Combine(_root.FullName, "spool");

    public override void Crash()
    {
        PostgresServer.Shared.CutOff(_database);
        Data.Dispose();
        Open();
    }

    public override Task<bool> LeftAsync(string text) => Task.FromResult(PostgresServer.Shared.Dump(_database).Contains(text));

    public override void Dispose()
    {
        Data.Dispose();
        PostgresServer.Shared.DropDatabase(_database);
        _root.Delete(recursive: true);
    }

    private void Open()
    {
        var health = new PipelineHealth();
        var options = new PgDatabaseOptions(PostgresServer.Shared.ConnectionString(_database), _root.FullName, "1.0")
        {
            BackOff = TimeSpan.FromMilliseconds(20),
            CountsGoodFor = TimeSpan.Zero,
        };
        Begin(PgDatabase.Open(options, health, new(Metrics.NewCustomRegistry()), Clock, NullLogger.Instance), health);
    }
}
