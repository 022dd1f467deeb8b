using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Postgres;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Daemon.Hosting;

/// <summary>Everything that the daemon keeps, opened in this order: lock, database, migrations, master key, accounts.</summary>
internal sealed class Stores : IDisposable
{
    private readonly StoreDatabase _database;

    private Stores(
        StoreDatabase database,
        SpoolFiles spool,
        SecretBox box,
        SqlSendingStore sending,
        ILinkStore links,
        TimeProvider clock,
        ILoggerFactory logs
    )
    {
        _database = database;
        var configuration = new SqlConfigurationStore(database, box, clock);
        var compat = new SqlCompatStore(database, spool, box, clock);
        var messages = new SqlMessageStore(database, spool, ContentHash.Of, clock, logs.CreateLogger<SqlMessageStore>());
        (Spool, Sending, Links, Configuration, Compat, Messages, Lanes, Marks) = (
            spool,
            sending,
            links,
            configuration,
            compat,
            messages,
            messages,
            messages
        );
        Queries = new SqlMessageQueries(database, spool);
        KeyUses = new SqlKeyUseStore(database);
        Audit = new SqlAuditLog(database, clock);
        Batches = new SqlBatchStore(database, clock);
        Log = new SqlDeliveryLog(database, box, clock);
        Retention = new SqlRetentionStore(database, spool);
        Erasure = new SqlErasure(database, spool);
        RefreshTokens = new SqlRefreshTokens(database, box, clock);
        PageKeys = new SqlPageKeys(database, box, clock);
        SecretWarnings = new SqlSecretWarnings(database);
        Suppressions = new SqlSuppressionStore(database, clock);
        Destinations = new SqlDestinationUses(database);
        Circuits = new SqlCircuitStore(database, logs.CreateLogger<SqlCircuitStore>());
        Operations = new SqlOperationStore(database);
        Removal = new SqlTenantRemoval(database, spool);
        Import = new(database, configuration, compat, clock);
    }

    public SpoolFiles Spool { get; }

    public IMessageStore Messages { get; }

    public ILaneStore Lanes { get; }

    public IMarks Marks { get; }

    public IMessageQueries Queries { get; }

    public ISendingStore Sending { get; }

    public IConfigurationStore Configuration { get; }

    public ILinkStore Links { get; }

    public IKeyUseStore KeyUses { get; }

    public IAuditLog Audit { get; }

    public IBatchStore Batches { get; }

    public IDeliveryLog Log { get; }

    public IRetentionStore Retention { get; }

    public IErasure Erasure { get; }

    public IRefreshTokens RefreshTokens { get; }

    public IPageKeys PageKeys { get; }

    public ISecretWarnings SecretWarnings { get; }

    public ICircuitStore Circuits { get; }

    public ICompatStore Compat { get; }

    public IOperationStore Operations { get; }

    public ISuppressionStore Suppressions { get; }

    public IDestinationUses Destinations { get; }

    public ITenantRemoval Removal { get; }

    /// <summary>Takes over another program's data, while the daemon does not run.</summary>
    public SqlImport Import { get; }

    /// <summary>The processes that share the store.</summary>
    public INodes Nodes => _database.Nodes;

    /// <summary>Where nodes keep the requests that they have answered; null: there is one node only.</summary>
    public IRequestStore? Requests => _database.Requests;

    /// <summary>The generations of the store, and the names that they give.</summary>
    public StoreGenerations Generations => _database.Generations;

    /// <summary>Faults when the store's writer ended because of a bug.</summary>
    public Task Completion => _database.Completion;

    /// <summary>Completes when the store's writer has finished one more turn, even while it cannot write.</summary>
    public Task BeatAsync() => _database.BeatAsync();

    /// <summary>
    /// Throws <see cref="StoreRefusedException"/> when the directory is in use, when the database is not ours, newer or damaged, or when
    /// the master key does not match.
    /// </summary>
    /// <param name="elsewhere">Another data directory than that of the settings; null: that one.</param>
    public static async Task<Stores> OpenAsync(
        DaemonSettings settings,
        PipelineHealth health,
        PipelineMetrics metrics,
        TimeProvider clock,
        ILoggerFactory logs,
        string? elsewhere = null
    )
    {
        var data = DataDirectory.Prepare(elsewhere ?? settings.Data);
        FileModes.Tighten(data, logs.CreateLogger<Stores>());
        var database = Open(settings, data, health, metrics, clock, logs);
        try
        {
            var spool = new SpoolFiles(Path.Combine(data, "spool"), clock, database.LargeBodies);
            var sources = new MasterKeySources(settings.MasterKey, Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY"), data);
            var box = await SqlSecrets.OpenAsync(database, sources, clock, logs.CreateLogger(typeof(SqlSecrets).FullName!));
            var sending = SqlSendingStore.Open(database, clock);
            var stores = new Stores(database, spool, box, sending, await SqlLinkStore.OpenAsync(database, box), clock, logs);
            await sending.EnsureSandboxAsync(stores.Configuration);
            return stores;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>What the rest of the daemon asks for.</summary>
    public void AddTo(IServiceCollection services)
    {
        services.AddSingleton(this);
        services.AddSingleton(Nodes);
        services.AddSingleton(Messages);
        services.AddSingleton(Generations);
        services.AddSingleton(Queries);
        services.AddSingleton(Sending);
        services.AddSingleton(Log);
        services.AddSingleton(Configuration);
        services.AddSingleton(Removal);
        services.AddSingleton(KeyUses);
        services.AddSingleton(Audit);
        services.AddSingleton(Batches);
        services.AddSingleton(Suppressions);
        services.AddSingleton(Erasure);
        if (Requests is { } requests)
            services.AddSingleton(requests);
    }

    public void Dispose() => _database.Dispose();

    private static StoreDatabase Open(
        DaemonSettings settings,
        string data,
        PipelineHealth health,
        PipelineMetrics metrics,
        TimeProvider clock,
        ILoggerFactory logs
    )
    {
        if (settings.Storage is not { Connection: { } connection, Nodes: var nodes })
            return SqliteDatabase.Open(data, health, metrics, logs.CreateLogger<SqliteDatabase>());
        var options = new PgDatabaseOptions(connection, data, StatusRoutes.Version)
        {
            Nodes = new(nodes.Name ?? Environment.MachineName, nodes.Beat, nodes.TimeToLive, nodes.Margin)
            {
                Profiles = () => settings.Profiles.Fingerprint,
            },
        };
        return PgDatabase.Open(options, health, metrics, clock, logs.CreateLogger<PgDatabase>());
    }
}
