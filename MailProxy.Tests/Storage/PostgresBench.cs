using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Nodes;
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

    /// <summary>The database's.</summary>
    public string Name => _database;

    public PgDatabase Database => (PgDatabase)Data;

    protected override string SpoolDirectory => Path.Combine(_root.FullName, "spool");

    public override void Crash()
    {
        PostgresServer.Shared.CutOff(_database);
        Data.Dispose();
        Open();
    }

    /// <summary>Nobody gets a connection to the database, and nobody has one.</summary>
    public override Task BreakAsync()
    {
        PostgresServer.Shared.Close(_database, true);
        PostgresServer.Shared.CutOff(_database);
        return Task.CompletedTask;
    }

    public override void Mend() => PostgresServer.Shared.Close(_database, false);

    public override Task<bool> LeftAsync(string text) => Task.FromResult(PostgresServer.Shared.Dump(_database).Contains(text));

    public override void Dispose()
    {
        Data.Dispose();
        PostgresServer.Shared.DropDatabase(_database);
        _root.Delete(recursive: true);
    }

    public override async Task<Recovery> RecoverAsync(long now)
    {
        var recovery = await Store.RecoverAsync(now);
        var lanes = Data.Readers.Read(static session =>
            session.Query(
                "SELECT lane FROM queue UNION SELECT lane FROM marks UNION SELECT number FROM accounts",
                static row => new LaneKey(row.Int(0))
            )
        );
        var taken = await ((ILaneStore)Store).TakeOverAsync(lanes, now);
        return taken.InDoubt.Count > 0 ? recovery with { InDoubt = taken.InDoubt, LimitUses = taken.LimitUses } : recovery;
    }

    private void Open()
    {
        var health = new PipelineHealth();
        var options = new PgDatabaseOptions(PostgresServer.Shared.ConnectionString(_database), _root.FullName, "1.0")
        {
            BackOff = TimeSpan.FromMilliseconds(20),
            CountsGoodFor = TimeSpan.Zero,

            // The clock is set on by years.
            Nodes = NodeOptions.Of("bench") with
            {
                TimeToLive = TimeSpan.FromDays(36_500),
            },
        };
        var database = PgDatabase.Open(options, health, new(Metrics.NewCustomRegistry()), Clock, NullLogger.Instance);
        database.Claims.MayClaim = static _ => true; // it is alone
        Begin(database, health);
    }
}
