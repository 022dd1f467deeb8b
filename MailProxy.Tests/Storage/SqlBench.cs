using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Storage.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailProxy.Tests.Storage;

/// <summary>The stores of one database, whichever it is.</summary>
internal abstract class SqlBench : StoreBench
{
    private SqlMessageStore _store = null!;
    private SpoolFiles _spool = null!;
    private SqlSendingStore? _sending;

    public StoreDatabase Data { get; private set; } = null!;

    public override INodes Nodes => Data.Nodes;

    public PipelineHealth Health { get; private set; } = null!;

    public override IMessageStore Store => _store;

    public override IMarks Marks => _store;

    public override int Unsettled => Data.Claims.Marked;

    public override SpoolFiles Spool => _spool;

    public override IDeliveryLog Log { get; protected set; } = null!;

    public override IRetentionStore Retention { get; protected set; } = null!;

    public override IConfigurationStore Configuration => new SqlConfigurationStore(Data, new([Key]), Clock);

    public override IMessageQueries Queries => new SqlMessageQueries(Data, _spool);

    public override ICompatStore Compat => new SqlCompatStore(Data, _spool, new([Key]), Clock);

    public override IOperationStore Operations => new SqlOperationStore(Data);

    public override IErasure Erasure => new SqlErasure(Data, _spool);

    public override IDestinationUses Destinations => new SqlDestinationUses(Data);

    public override ITenantRemoval Removal => new SqlTenantRemoval(Data, _spool);

    public override IBatchStore Batches => new SqlBatchStore(Data, Clock);

    public override IAuditLog AuditLog => new SqlAuditLog(Data, Clock);

    public override ICircuitStore Circuits => new SqlCircuitStore(Data, NullLogger.Instance);

    public override IRefreshTokens Tokens => new SqlRefreshTokens(Data, new([Key]), Clock);

    public override IPageKeys PageKeys => new SqlPageKeys(Data, new([Key]), Clock);

    public override ISecretWarnings Warnings => new SqlSecretWarnings(Data);

    public override ISuppressionStore Suppressions => new SqlSuppressionStore(Data, Clock);

    public override IKeyUseStore KeyUses => new SqlKeyUseStore(Data);

    public override ISendingStore Sending => Names;

    public override StoreDamage Damage => new(Data);

    public override bool IsInTrouble => Health.StoreTrouble is not null;

    private SqlSendingStore Names => _sending ??= SqlSendingStore.Open(Data, Clock);

    public override async Task<ILinkStore> OpenLinksAsync(params MasterKey[] keys) =>
        await SqlLinkStore.OpenAsync(Data, new(keys.Length > 0 ? keys : [Key]));

    public override Task EnsureSandboxAsync() => Names.EnsureSandboxAsync(Configuration);

    public override Task<List<long>> SeedAsync(IEnumerable<SeedMessage> seeds) => Data.SeedAsync(seeds);

    public override Task AppendEventAsync(long message, NewEvent e, long at) =>
        Data.Writer.WriteAsync(_ =>
        {
            Data.Writer.Events.Append(message, e, at);
            return true;
        });

    public override StoredLook? Look(string id, string tenant = "default") =>
        Data.Readers.Snapshot(session =>
            session.QueryFirst(
                """
                SELECT m.number, m.state, m.revision, m.account, m.attempts, m.sequence, m.created_at, m.send_at, m.expires_at,
                m.possible_duplicate, m.hold_reason, b.json,
                    q.state, q.due, q.revision, q.attempt, q.round, q.recipients, q.expires_at
                FROM messages m LEFT JOIN bodies b ON b.message = m.number LEFT JOIN queue q ON q.message = m.number WHERE m.tenant = ?1
                AND m.id = ?2
                """,
                row => Look(session, row),
                tenant,
                id
            )
        );

    public override IReadOnlyList<AuditEntry> Audit() =>
        Data.Readers.Read(static session =>
            session.Query(
                "SELECT number, at, actor, action, object, before, after FROM audit ORDER BY number",
                static row => new AuditEntry(
                    row.Long(0),
                    row.Long(1),
                    row.Text(2),
                    row.Text(3),
                    row.Text(4),
                    row.TextOrNull(5),
                    row.TextOrNull(6)
                )
            )
        );

    public override long Count(string table) => Data.Readers.Read(session => session.QueryNumber($"SELECT count(*) FROM {table}") ?? 0);

    /// <summary>Writes past every interface.</summary>
    public Task RunAsync(string sql) => Data.Writer.WriteAsync(session => session.Run(sql));

    public override Task PurgeBodyAsync(string id) =>
        Data.Writer.WriteAsync(session =>
            session.Run("DELETE FROM bodies WHERE message = (SELECT number FROM messages WHERE id = ?1)", id)
        );

    public override IReadOnlyList<string> SpoolNames() => [.. Directory.GetFiles(SpoolDirectory).Select(f => Path.GetFileName(f))];

    public override Task CheckAsync() =>
        Health.StoreDamage is null && Health.StoreTrouble is null ? CountsCheck.CheckAsync(Data) : Task.CompletedTask;

    protected abstract string SpoolDirectory { get; }

    protected void Begin(StoreDatabase data, PipelineHealth health)
    {
        (Data, Health, _sending) = (data, health, null);
        _spool = new(SpoolDirectory, shared: data.LargeBodies);
        _store = new(data, _spool, Hash, Clock, NullLogger.Instance);
        Log = new SqlDeliveryLog(data, new([Key]), Clock);
        Retention = new SqlRetentionStore(data, _spool);
    }

    private static StoredLook Look(Session session, Statement row)
    {
        var number = row.Long(0);
        return new(
            number,
            (MessageState)row.Int(1),
            row.Int(2),
            new(row.Int(3)),
            row.Int(4),
            row.Int(5),
            row.Long(6),
            row.LongOrNull(7),
            row.Long(8),
            row.Int(9) != 0,
            row.TextOrNull(10),
            row.BlobOrNull(11) is { } json ? Encoding.UTF8.GetString(json) : null,
            row.IsNull(12) ? null : new(row.Int(12), row.Long(13), row.Int(14), row.Int(15), row.Int(16), row.Int(17), row.Long(18)),
            session.Query(
                "SELECT address, state, rounds, smtp_code, enhanced_code, reply FROM recipients WHERE message = ?1 ORDER BY ordinal",
                static x => new RecipientLook(
                    x.Text(0),
                    (RecipientState)x.Int(1),
                    x.Int(2),
                    x.IntOrNull(3),
                    x.TextOrNull(4),
                    x.TextOrNull(5)
                ),
                number
            ),
            session.Query(
                "SELECT sequence, type, status, attempt, detail FROM events WHERE message = ?1 ORDER BY position",
                static x => new EventLook(
                    x.Int(0),
                    (EventType)x.Int(1),
                    (MessageState)x.Int(2),
                    x.Int(3),
                    x.BlobOrNull(4) is { } detail ? Encoding.UTF8.GetString(detail) : null
                ),
                number
            )
        );
    }
}
