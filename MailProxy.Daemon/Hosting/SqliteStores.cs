using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Daemon.Hosting;

/// <summary>Everything in the data directory, opened in this order: lock, database, migrations, master key, accounts.</summary>
internal sealed class SqliteStores : IDisposable
{
    private readonly SqliteDatabase _database;

    private SqliteStores(
        SqliteDatabase database,
        SpoolFiles spool,
        SqliteMessageStore messages,
        IMessageQueries queries,
        ISendingStore sending,
        IKeyUseStore keyUses,
        IAuditLog audit,
        IBatchStore batches,
        IConfigurationStore configuration,
        ILinkStore links,
        IDeliveryLog log,
        IRetentionStore retention,
        IErasure erasure,
        IRefreshTokens refreshTokens,
        ISecretWarnings secretWarnings,
        ISuppressionStore suppressions,
        IDestinationUses destinations,
        ICircuitStore circuits,
        ICompatStore compat,
        IOperationStore operations,
        SqliteImport import
    )
    {
        _database = database;
        Import = import;
        (RefreshTokens, SecretWarnings, Suppressions) = (refreshTokens, secretWarnings, suppressions);
        (Destinations, Circuits, Compat, Operations) = (destinations, circuits, compat, operations);
        (Spool, Messages, Marks, Queries, Sending, KeyUses, Audit, Batches, Configuration, Links, Log, Retention, Erasure) = (
            spool,
            messages,
            messages,
            queries,
            sending,
            keyUses,
            audit,
            batches,
            configuration,
            links,
            log,
            retention,
            erasure
        );
    }

    public SpoolFiles Spool { get; }
    public IMessageStore Messages { get; }
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
    public ISecretWarnings SecretWarnings { get; }
    public ICircuitStore Circuits { get; }
    public ICompatStore Compat { get; }
    public IOperationStore Operations { get; }

    /// <summary>Takes over another program's data, while the daemon does not run.</summary>
    public SqliteImport Import { get; }

    /// <summary>The generations of the store, and the names that they give.</summary>
    public StoreGenerations Generations => _database.Generations;

    public ISuppressionStore Suppressions { get; }
    public IDestinationUses Destinations { get; }

    public ITenantRemoval Removal => new SqliteTenantRemoval(_database, Spool);

    /// <summary>Faults when the store's writer ended because of a bug.</summary>
    public Task Completion => _database.Completion;

    /// <summary>Completes when the store's writer has finished one more turn, even while it cannot write.</summary>
    public Task BeatAsync() => _database.BeatAsync();

    /// <summary>
    /// Throws <see cref="StoreRefusedException"/> when the directory is in use, when the database is not ours, newer or damaged, or when
    /// the
    /// master key does not match.
    /// </summary>
    /// <param name="elsewhere">Another data directory than that of the settings; null: that one.</param>
    public static async Task<SqliteStores> OpenAsync(
        DaemonSettings settings,
        PipelineHealth health,
        PipelineMetrics metrics,
        TimeProvider clock,
        ILoggerFactory logs,
        string? elsewhere = null
    )
    {
        var data = DataDirectory.Prepare(elsewhere ?? settings.Data);
        FileModes.Tighten(data, logs.CreateLogger<SqliteStores>());
        var database = SqliteDatabase.Open(data, health, metrics, logs.CreateLogger<SqliteDatabase>());
        try
        {
            var spool = new SpoolFiles(Path.Combine(data, "spool"), clock);
            var sources = new MasterKeySources(settings.MasterKey, Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY"), data);
            var box = await SqliteSecrets.OpenAsync(database, sources, clock, logs.CreateLogger(typeof(SqliteSecrets).FullName!));
            var configuration = new SqliteConfigurationStore(database, box, clock);
            var compat = new SqliteCompatStore(database, spool, box, clock);
            var sending = SqliteSendingStore.Open(database, clock);
            await sending.EnsureSandboxAsync(configuration);
            return new(
                database,
                spool,
                new SqliteMessageStore(database, spool, ContentHash.Of, clock, logs.CreateLogger<SqliteMessageStore>()),
                new SqliteMessageQueries(database, spool),
                sending,
                new SqliteKeyUseStore(database),
                new SqliteAuditLog(database, clock),
                new SqliteBatchStore(database, clock),
                configuration,
                await SqliteLinkStore.OpenAsync(database, box),
                new SqliteDeliveryLog(database, box, clock),
                new SqliteRetentionStore(database, spool),
                new SqliteErasure(database, spool),
                new SqliteRefreshTokens(database, box, clock),
                new SqliteSecretWarnings(database),
                new SqliteSuppressionStore(database, clock),
                new SqliteDestinationUses(database),
                new SqliteCircuitStore(database, logs.CreateLogger<SqliteCircuitStore>()),
                compat,
                new SqliteOperationStore(database),
                new SqliteImport(database, configuration, compat, clock)
            );
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    public void Dispose() => _database.Dispose();
}
