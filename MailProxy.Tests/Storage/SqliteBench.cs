using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Pipeline.Storage.Sqlite.Flight;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Storage.Sqlite;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailProxy.Tests.Storage;

/// <summary>The message store on a SQLite file in a directory of its own.</summary>
internal sealed class SqliteBench : StoreBench
{
    private readonly MasterKey _key = MasterKey.Generate();
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mailproxy-store-");
    private readonly TimeSpan _backOff;
    private SqliteMessageStore _store = null!;
    private SpoolFiles _spool = null!;
    private SqliteDeliveryLog _log = null!;
    private SqliteRetentionStore _retention = null!;
    private int _life;

    public SqliteBench()
        : this(TimeSpan.FromMilliseconds(20)) { }

    public SqliteBench(TimeSpan backOff)
    {
        _backOff = backOff;
        Open(Life(_life));
    }

    public override IMessageStore Store => _store;

    public override IMarks Marks => _store;

    public override int Unsettled => Database.Claims.Marked;

    public override SpoolFiles Spool => _spool;

    public override IDeliveryLog Log => _log;

    public override IConfigurationStore Configuration => new SqliteConfigurationStore(Database, new([_key]), Clock);

    public override IRetentionStore Retention => _retention;

    public override IMessageQueries Queries => new SqliteMessageQueries(Database, _spool);

    public override ICompatStore Compat => new SqliteCompatStore(Database, _spool, new([_key]), Clock);

    public override IOperationStore Operations => new SqliteOperationStore(Database);

    public override IErasure Erasure => new SqliteErasure(Database, _spool);

    public override IDestinationUses Destinations => new SqliteDestinationUses(Database);

    public SqliteDatabase Database { get; private set; } = null!;

    public PipelineHealth Health { get; private set; } = null!;

    public override void Crash()
    {
        // Copied while it is open: what a killed process would leave, both logs and all.
        var (from, to) = (Life(_life), Life(++_life));
        Directory.CreateDirectory(Path.Combine(to, "spool"));
        foreach (var file in Directory.GetFiles(from, "mailproxy.db*"))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        File.Copy(Path.Combine(from, FlightStart.FileName), Path.Combine(to, FlightStart.FileName));
        foreach (var file in Directory.GetFiles(Path.Combine(from, "spool")))
            File.Copy(file, Path.Combine(to, "spool", Path.GetFileName(file)));
        Database.Dispose();
        Open(to);
    }

    /// <summary>No new page fits: the disk is full.</summary>
    public Task FillDiskAsync() =>
        Database.Writer.WriteAsync(c => Scalar(c.Connection, $"PRAGMA max_page_count={Scalar(c.Connection, "PRAGMA page_count")}"));

    /// <summary>
    /// Space again. The limit belongs to the writer's connection, whose thread only turns that fail can reach; so the loop's own file is
    /// asked directly.
    /// </summary>
    public void FreeDisk() => SQLitePCL.raw.sqlite3_exec(Database.Writer.Session.Connection.Handle, "PRAGMA max_page_count=1000000");

    public override StoredLook? Look(string id, string tenant = "default") =>
        Database.Readers.Read(session =>
        {
            var connection = session.Connection;
            using var command = connection.CreateCommand();
            command.CommandText = """
                SELECT m.number, m.state, m.revision, m.account, m.attempts, m.sequence, m.created_at, m.send_at, m.expires_at,
                m.possible_duplicate, m.hold_reason, b.json,
                    q.state, q.due, q.revision, q.attempt, q.round, q.recipients, q.expires_at
                FROM messages m LEFT JOIN bodies b ON b.message = m.number LEFT JOIN queue q ON q.message = m.number WHERE m.tenant = $t
                AND m.id = $i
                """;
            command.Parameters.AddWithValue("$t", tenant);
            command.Parameters.AddWithValue("$i", id);
            using var r = command.ExecuteReader();
            if (!r.Read())
                return null;
            var number = r.GetInt64(0);
            return new StoredLook(
                number,
                (MessageState)r.GetInt32(1),
                r.GetInt32(2),
                new(r.GetInt32(3)),
                r.GetInt32(4),
                r.GetInt32(5),
                r.GetInt64(6),
                r.IsDBNull(7) ? null : r.GetInt64(7),
                r.GetInt64(8),
                r.GetBoolean(9),
                Text(r, 10),
                r.IsDBNull(11) ? null : Encoding.UTF8.GetString((byte[])r.GetValue(11)),
                r.IsDBNull(12)
                    ? null
                    : new(r.GetInt32(12), r.GetInt64(13), r.GetInt32(14), r.GetInt32(15), r.GetInt32(16), r.GetInt32(17), r.GetInt64(18)),
                Rows(
                    connection,
                    $"SELECT address, state, rounds, smtp_code, enhanced_code, reply FROM recipients WHERE message = {number} "
                        + "ORDER BY ordinal",
                    x => new RecipientLook(
                        x.GetString(0),
                        (RecipientState)x.GetInt32(1),
                        x.GetInt32(2),
                        x.IsDBNull(3) ? null : x.GetInt32(3),
                        Text(x, 4),
                        Text(x, 5)
                    )
                ),
                Rows(
                    connection,
                    $"SELECT sequence, type, status, attempt, detail FROM events WHERE message = {number} ORDER BY position",
                    x => new EventLook(
                        x.GetInt32(0),
                        (EventType)x.GetInt32(1),
                        (MessageState)x.GetInt32(2),
                        x.GetInt32(3),
                        x.IsDBNull(4) ? null : Encoding.UTF8.GetString((byte[])x.GetValue(4))
                    )
                )
            );
        });

    public override IReadOnlyList<AuditEntry> Audit() =>
        Database.Readers.Read(session =>
            Rows(
                session.Connection,
                "SELECT number, at, actor, action, object, before, after FROM audit ORDER BY number",
                x => new AuditEntry(x.GetInt64(0), x.GetInt64(1), x.GetString(2), x.GetString(3), x.GetString(4), Text(x, 5), Text(x, 6))
            )
        );

    public override long Count(string table) => Database.Readers.Read(c => Scalar(c.Connection, $"SELECT count(*) FROM {table}"));

    public override Task RunAsync(string sql) => Database.Writer.WriteAsync(c => Scalar(c.Connection, sql));

    public override async Task<bool> LeftAsync(string text)
    {
        await RunAsync("UPDATE settings SET value = value");
        Database.Dispose(); // the log is carried back and removed
        var left = File.ReadAllBytes(Path.Combine(Life(_life), "mailproxy.db")).AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;
        Open(Life(_life));
        return left;
    }

    public override Task PurgeBodyAsync(string id) =>
        Database.Writer.WriteAsync(c =>
            Scalar(c.Connection, $"DELETE FROM bodies WHERE message = (SELECT number FROM messages WHERE id = '{id}')")
        );

    public override IReadOnlyList<string> SpoolNames() =>
        [.. Directory.GetFiles(Path.Combine(Life(_life), "spool")).Select(f => Path.GetFileName(f))];

    public override void Dispose()
    {
        Database.Dispose();
        _root.Delete(recursive: true);
    }

    public override Task CheckAsync() =>
        Health.StoreDamage is null && Health.StoreTrouble is null ? CountsCheck.CheckAsync(Database) : Task.CompletedTask;

    private void Open(string directory)
    {
        Health = new();
        Database = TemporaryStore.OpenAt(directory, Health, backOff: _backOff);
        _spool = new(Path.Combine(directory, "spool"));
        _store = new(Database, _spool, Hash, Clock, NullLogger.Instance);
        _log = new(Database, new([_key]), Clock);
        _retention = new(Database, _spool);
    }

    private string Life(int number) => Path.Combine(_root.FullName, $"life{number}");

    private static string? Text(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static long Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() as long? ?? 0;
    }

    private static List<T> Rows<T>(SqliteConnection connection, string sql, Func<SqliteDataReader, T> read)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    }
}
