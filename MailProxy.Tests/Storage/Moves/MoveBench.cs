using System.Security.Cryptography;
using MailProxy.Pipeline.Storage.Moves;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Tests.Support;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace MailProxy.Tests.Storage.Moves;

/// <summary>Stores that stand still, in SQLite and in PostgreSQL, with something in every column of every table.</summary>
internal sealed class MoveBench : IDisposable
{
    /// <summary>More than one part, and exactly one.</summary>
    public static readonly (string Name, int Size)[] Bodies = [("aaaa", 600_001), ("bbbb-1000", BodyFiles.PartSize)];

    private readonly TempDirectory _directory = new();
    private readonly string _database = PostgresServer.Shared.MakeDatabase(isEmpty: true);

    public string Connection => PostgresServer.Shared.ConnectionString(_database);

    public MovePlace Postgres => new(Connection, IsPostgres: true, "--to");

    public string At(string name) => Path.Combine(_directory, name);

    public MovePlace Sqlite(string name) => new(At(name), IsPostgres: false, "--from");

    public MoveResult Move(MovePlace from, MovePlace to, Action<MoveProgress>? progress = null, CancellationToken stop = default) =>
        Make(from, to).Run(progress ?? (static _ => { }), stop);

    public static StoreMove Make(MovePlace from, MovePlace to, bool allowLost = false) => new(from, to, allowLost, TimeProvider.System);

    /// <summary>A store with three rows in each table, of which one has NULL where that may be, and one has odd values.</summary>
    public void MakeStore(string name)
    {
        Directory.CreateDirectory(Path.Combine(At(name), "spool"));
        StoreFile.Create(Path.Combine(At(name), "mailproxy.db"), Migrator.Embedded);
        using var store = OpenSqlite(name);
        foreach (var table in TablesOf(store))
            Fill(store, table);
        foreach (var (body, size) in Bodies)
            File.WriteAllBytes(Path.Combine(At(name), "spool", body), RandomNumberGenerator.GetBytes(size));
        Execute(
            store,
            $"""
            UPDATE bodies SET spool = NULL;
            UPDATE bodies SET spool = '{Bodies[0].Name}' WHERE message = 1001;
            UPDATE bodies SET spool = '{Bodies[1].Name}' WHERE message = 1003;
            UPDATE queue SET state = 0, flow = 5;
            INSERT INTO suspended_batches SELECT tenant, batch, 1 FROM messages WHERE number = 1001;
            UPDATE sqlite_sequence SET seq = seq + 100;
            INSERT INTO settings VALUES ('store.place', 'here'), ('dispatcher.suspended', 'true');
            """
        );
    }

    public SqliteConnection OpenSqlite(string name)
    {
        var store = new SqliteConnection($"Data Source={Path.Combine(At(name), "mailproxy.db")};Pooling=False");
        store.Open();
        return store;
    }

    /// <summary>Changes a store.</summary>
    public void InSqlite(string name, string sql)
    {
        using var store = OpenSqlite(name);
        Execute(store, sql);
    }

    public NpgsqlConnection OpenPostgres(string more = "")
    {
        var connection = new NpgsqlConnection($"{Connection};Pooling=false;Search Path=mailproxy;{more}");
        connection.Open();
        return connection;
    }

    /// <summary>Changes a database, or asks it for one value.</summary>
    public object? InPostgres(string sql)
    {
        using var connection = OpenPostgres();
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar();
    }

    /// <summary>Every row of every table, and the schema, as text: what another file has too when it has the same.</summary>
    public string Dump(string name)
    {
        using var store = OpenSqlite(name);
        var lines = Texts(store, "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY type, name");
        foreach (var table in TablesOf(store).Append("sqlite_sequence"))
        {
            var columns = Texts(store, $"SELECT 'quote(\"' || name || '\")' FROM pragma_table_info('{table}')");
            var where = table == "settings" ? " WHERE name <> 'store.place'" : "";
            lines.Add($"{table}:");
            lines.AddRange(Texts(store, $"SELECT {string.Join(" || ',' || ", columns)} AS line FROM {table}{where} ORDER BY line"));
        }

        foreach (var body in Directory.EnumerateFiles(Path.Combine(At(name), "spool")).Order(StringComparer.Ordinal))
            lines.Add($"{Path.GetFileName(body)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(body)))}");
        return string.Join('\n', lines);
    }

    public void Dispose()
    {
        PostgresServer.Shared.DropDatabase(_database);
        _directory.Dispose();
    }

    public static List<string> TablesOf(SqliteConnection store) =>
        Texts(
            store,
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' AND name <> 'flight' "
                + "ORDER BY name"
        );

    private static void Fill(SqliteConnection store, string table)
    {
        var columns = Texts(store, $"SELECT name || ' ' || type || ' ' || \"notnull\" || ' ' || pk FROM pragma_table_info('{table}')")
            .ConvertAll(static line => line.Split(' '));
        for (var row = 1; row <= (table == "link_key" ? 1 : 3); row++)
        {
            var values = columns.Select((column, at) => Value(table, column, row, at));
            Execute(store, $"INSERT INTO {table} VALUES ({string.Join(", ", values)})");
        }
    }

    private static string Value(string table, string[] column, int row, int at) =>
        column switch
        {
            ["one", ..] => "1",
            [_, "INTEGER", _, not "0"] => $"{1000 + row}",
            [_, "TEXT", _, not "0"] => $"'{(row == 3 ? "ä" : "Z")}{table}-{row}'",
            [_, _, "0", _] when row == 2 => "NULL",
            [_, "INTEGER", ..] => row == 3 ? $"{-5_000_000_000 - at}" : $"{row * 100 + at}",
            [_, "TEXT", ..] => row == 3 ? $"'ä''\n😀 {at}'" : $"'{table} {row} {at}'",
            _ => row == 3 ? "x''" : $"x'00FF0{row}{at:x2}'",
        };

    private static List<string> Texts(SqliteConnection store, string sql)
    {
        using var command = store.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var texts = new List<string>();
        while (reader.Read())
            texts.Add(reader.GetString(0));
        return texts;
    }

    private static void Execute(SqliteConnection store, string sql)
    {
        using var command = store.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
