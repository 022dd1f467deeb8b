using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;

namespace MailProxy.Tests.Support;

/// <summary>The versions of genro-mail-proxy whose databases differ.</summary>
internal enum OldVersion
{
    WithoutTenants,
    WithoutKeys,
    Production,
    Generated,
}

/// <summary>A database as genro-mail-proxy made it, filled row by row.</summary>
internal sealed class OldDatabase : IDisposable
{
    private const string Dates = "created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP";

    private const string AccountColumns = """
        host TEXT NOT NULL, port INTEGER NOT NULL, user TEXT, password TEXT, ttl INTEGER DEFAULT 300, limit_per_minute INTEGER,
        limit_per_hour INTEGER, limit_per_day INTEGER, limit_behavior TEXT, use_tls INTEGER, batch_size INTEGER
        """;

    private const string Imap = """
        is_pec_account INTEGER DEFAULT 0, imap_host TEXT, imap_port INTEGER DEFAULT 993, imap_user TEXT, imap_password TEXT,
        imap_folder TEXT DEFAULT 'INBOX', imap_last_uid INTEGER, imap_last_sync TIMESTAMP, imap_uidvalidity INTEGER
        """;

    private const string Tenants = $"""
        CREATE TABLE tenants (id TEXT PRIMARY KEY, name TEXT, client_auth TEXT, client_base_url TEXT, client_sync_path TEXT,
            client_attachment_path TEXT, rate_limits TEXT, large_file_config TEXT, active INTEGER DEFAULT 1, suspended_batches TEXT,
            api_key_hash TEXT, api_key_expires_at TIMESTAMP, {Dates});
        CREATE TABLE command_log (id INTEGER PRIMARY KEY, command_ts INTEGER NOT NULL, endpoint TEXT NOT NULL, tenant_id TEXT,
            payload TEXT NOT NULL, response_status INTEGER, response_body TEXT);
        """;

    private const string Instance = $"""
        CREATE TABLE instance (id INTEGER PRIMARY KEY, name TEXT DEFAULT 'mail-proxy', api_token TEXT, bounce_enabled INTEGER DEFAULT 0,
            bounce_imap_host TEXT, bounce_imap_port INTEGER DEFAULT 993, bounce_imap_user TEXT, bounce_imap_password TEXT,
            bounce_imap_folder TEXT DEFAULT 'INBOX', bounce_imap_ssl INTEGER DEFAULT 1, bounce_poll_interval INTEGER DEFAULT 60,
            bounce_return_path TEXT, bounce_last_uid INTEGER, {Dates});
        """;

    private const string SendLog = "CREATE TABLE send_log (account_id TEXT, timestamp INTEGER);";

    private const string MessageColumns = $"""
        account_id TEXT, priority INTEGER NOT NULL DEFAULT 2, payload TEXT NOT NULL, batch_code TEXT, {Dates}, deferred_ts INTEGER,
        smtp_ts INTEGER, is_pec INTEGER DEFAULT 0
        """;

    private const string EventColumns =
        "event_type TEXT NOT NULL, event_ts INTEGER NOT NULL, description TEXT, metadata TEXT, reported_ts INTEGER";

    private const string KeyedMessages = $"""
        CREATE TABLE messages (pk TEXT PRIMARY KEY, id TEXT NOT NULL, tenant_id TEXT NOT NULL, {MessageColumns}, UNIQUE (tenant_id, id));
        CREATE TABLE message_events (id INTEGER PRIMARY KEY, message_pk TEXT NOT NULL, {EventColumns});
        """;

    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteCommand> _inserts = new(StringComparer.Ordinal);

    /// <param name="before">Statements before the first table.</param>
    public OldDatabase(string path, OldVersion version, string before = "")
    {
        _connection = new(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        Run("PRAGMA journal_mode=DELETE; PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF;" + before + Schema(version));
    }

    /// <summary>A secret as genro-mail-proxy seals it.</summary>
    public static string Seal(string secret, byte[] key)
    {
        var plain = Encoding.UTF8.GetBytes(secret);
        var octets = new byte[12 + plain.Length + 16];
        RandomNumberGenerator.Fill(octets.AsSpan(0, 12));
        using var aes = new AesGcm(key, 16);
        aes.Encrypt(octets.AsSpan(0, 12), plain, octets.AsSpan(12, plain.Length), octets.AsSpan(12 + plain.Length));
        return "ENC:" + Convert.ToBase64String(octets);
    }

    /// <summary>The hash under which a tenant's token is kept.</summary>
    public static string HashOf(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    /// <summary>All tables with their columns.</summary>
    public IReadOnlyList<(string Table, IReadOnlyList<string> Columns)> Tables()
    {
        var tables = Texts("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
        return [.. tables.Select(table => (table, (IReadOnlyList<string>)Texts($"SELECT name FROM pragma_table_info('{table}')")))];
    }

    public void Run(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>Adds a row of what is named.</summary>
    public void Add(string table, params (string Column, object? Value)[] values)
    {
        var sql =
            $"INSERT INTO {table} ({string.Join(", ", values.Select(static one => one.Column))}) "
            + $"VALUES ({string.Join(", ", values.Select(static (_, i) => $"${i}"))})";
        if (!_inserts.TryGetValue(sql, out var insert))
        {
            _inserts.Add(sql, insert = _connection.CreateCommand());
            insert.CommandText = sql;
            for (var i = 0; i < values.Length; i++)
                insert.Parameters.AddWithValue($"${i}", DBNull.Value);
        }

        for (var i = 0; i < values.Length; i++)
            insert.Parameters[i].Value = values[i].Value ?? DBNull.Value;
        insert.ExecuteNonQuery();
    }

    public void Dispose()
    {
        foreach (var insert in _inserts.Values)
            insert.Dispose();
        _connection.Dispose();
    }

    private List<string> Texts(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var texts = new List<string>();
        while (reader.Read())
            texts.Add(reader.GetString(0));
        return texts;
    }

    private static string Schema(OldVersion version) =>
        version switch
        {
            OldVersion.WithoutTenants => $"""
                CREATE TABLE accounts (id TEXT PRIMARY KEY, {AccountColumns}, created_at TEXT DEFAULT CURRENT_TIMESTAMP);
                {SendLog}
                CREATE TABLE messages (id TEXT PRIMARY KEY, account_id TEXT, priority INTEGER NOT NULL DEFAULT 2, payload TEXT NOT NULL,
                    {Dates}, deferred_ts INTEGER, sent_ts INTEGER, error_ts INTEGER, error TEXT, reported_ts INTEGER);
                CREATE TABLE volumes (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, backend TEXT NOT NULL,
                    config TEXT NOT NULL, account_id TEXT, {Dates});
                """,
            OldVersion.WithoutKeys => $"""
                {Tenants}{Instance}{SendLog}
                CREATE TABLE accounts (id TEXT PRIMARY KEY, tenant_id TEXT REFERENCES tenants (id), {AccountColumns}, {Dates}, {Imap});
                CREATE TABLE messages (id TEXT PRIMARY KEY, {MessageColumns});
                CREATE TABLE message_events (id INTEGER PRIMARY KEY, message_id TEXT NOT NULL, {EventColumns});
                """,
            OldVersion.Production => $"""
                {Tenants}{Instance}{SendLog}{KeyedMessages}
                CREATE TABLE accounts (id TEXT NOT NULL, tenant_id TEXT NOT NULL REFERENCES tenants (id), {AccountColumns}, {Dates}, {Imap},
                    PRIMARY KEY (tenant_id, id));
                """,
            _ => $"""
                {Tenants}{KeyedMessages}
                CREATE TABLE accounts (pk TEXT PRIMARY KEY, id TEXT NOT NULL, tenant_id TEXT NOT NULL, {AccountColumns}, {Dates});
                ALTER TABLE messages ADD COLUMN account_pk TEXT;
                CREATE TABLE storages (pk TEXT PRIMARY KEY, tenant_id TEXT NOT NULL, name TEXT NOT NULL, protocol TEXT NOT NULL, config TEXT,
                    {Dates});
                CREATE TABLE instance (id INTEGER PRIMARY KEY, name TEXT DEFAULT 'mail-proxy', api_token TEXT, edition TEXT DEFAULT 'ce',
                    config TEXT, {Dates});
                """,
        };
}
