using System.Text;
using MailProxy.Pipeline.Disk;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// A database of another program, read and never written. Nothing in it is trusted: only ordinary tables are read, a column that is missing
/// is null, and a value that is too large is left where it is.
/// </summary>
public sealed class ForeignDatabase : IDisposable
{
    private const int HeaderSize = 16;

    private readonly SqliteSession _session;
    private readonly Dictionary<string, HashSet<string>> _columns = new(StringComparer.Ordinal);

    private ForeignDatabase(string path, SqliteSession session) => (Path, _session) = (path, session);

    public string Path { get; }

    /// <summary>What the other program noted as the version of its schema; most note none.</summary>
    public long Version { get; private set; }

    /// <summary>Throws <see cref="StoreRefusedException"/> when the file is missing, no database, damaged, or in use by somebody.</summary>
    public static ForeignDatabase Open(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        CheckFile(full);
        SqliteConnection? connection = null;
        try
        {
            connection = Connections.OpenReader(full);

            // What is put aside for looking up goes to the disk and not into memory.
            Connections.Execute(connection, "PRAGMA temp_store=FILE; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;");
            var database = new ForeignDatabase(full, new(connection));
            database.ReadSchema();
            return database;
        }
        catch (SqliteException error)
        {
            connection?.Dispose();
            throw Refused(full, error);
        }
    }

    public bool HasTable(string table) => _columns.ContainsKey(table);

    public bool Has(string table, string column) => _columns.TryGetValue(table, out var columns) && columns.Contains(column);

    /// <summary>How many rows a table has; 0 when there is none of this name.</summary>
    public long Count(string table) =>
        HasTable(table) ? Guard(() => _session.QueryNumber($"SELECT count(*) FROM {Quoted(table)}") ?? 0) : 0;

    /// <summary>The rows of a table, in the order in which they came; none when there is no such table.</summary>
    /// <param name="columns">Those that are missing are null.</param>
    /// <param name="most">Bytes: a larger value is null, and <see cref="ForeignRow.Size"/> tells that there is one.</param>
    /// <param name="where">A condition on one column: only rows whose number is greater, or, with null, whose column is null.</param>
    /// <returns>One row object for all, which is good until the next is asked for.</returns>
    public IEnumerable<ForeignRow> Rows(string table, IReadOnlyList<string> columns, long most, (string Column, long? Above)? where = null)
    {
        if (!HasTable(table))
            yield break;
        var condition =
            where is not { } asked ? ""
            : !Has(table, asked.Column) ? " WHERE false"
            : asked.Above is null ? $" WHERE {Quoted(asked.Column)} IS NULL"
            : $" WHERE {Quoted(asked.Column)} > {asked.Above}";
        using var statement = Guard(() => _session.Open($"SELECT {Selected(table, columns, most)} FROM {Quoted(table)}{condition}"));
        var row = new ForeignRow((SqliteStatement)statement);
        while (Guard(statement.Step))
            yield return row;
    }

    /// <summary>
    /// Puts columns of a table aside, sorted by one of them, so that the rows of one key are found at once. Does nothing when there is no
    /// such table.
    /// </summary>
    /// <param name="named">Only keys that stand in this column of another table, in rows whose third column is null.</param>
    public ForeignLookup Lookup(
        string table,
        string key,
        IReadOnlyList<string> columns,
        long most,
        (string Table, string Column, string Null)? named = null
    )
    {
        var only =
            named is { } by && Has(by.Table, by.Column) && Has(by.Table, by.Null)
                ? $" WHERE CAST({Quoted(key)} AS TEXT) IN "
                    + $"(SELECT CAST({Quoted(by.Column)} AS TEXT) FROM {Quoted(by.Table)} WHERE {Quoted(by.Null)} IS NULL)"
                : "";
        Guard(() =>
        {
            var source = Has(table, key)
                ? $"SELECT CAST({Quoted(key)} AS TEXT) AS k, {Selected(table, columns, most)} FROM {Quoted(table)}{only}"
                : $"SELECT NULL AS k, {Nulls(columns)} WHERE false";
            Connections.Execute(
                _session.Connection,
                $"DROP TABLE IF EXISTS temp.looked_up; CREATE TEMP TABLE looked_up AS {source}; "
                    + "CREATE INDEX temp.looked_up_key ON looked_up (k);"
            );
            return 0;
        });
        return new(_session, Guard);
    }

    public void Dispose() => _session.Dispose();

    private void ReadSchema()
    {
        Version = _session.QueryNumber("PRAGMA user_version") ?? 0;

        // A view or a virtual table runs what somebody wrote there.
        var tables = _session.Query(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite_%'",
            static row => row.Text(0)
        );
        foreach (var table in tables)
        {
            _columns[table] =
            [
                .. _session.Query("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0", static row => row.Text(0), table),
            ];
        }
    }

    // The limit is asked for before the value is read, and the size stands beside it.
    private string Selected(string table, IReadOnlyList<string> columns, long most) =>
        string.Join(
            ", ",
            columns.Select(column =>
                Has(table, column)
                    ? $"iif(coalesce(octet_length({Quoted(column)}), 0) <= {most}, {Quoted(column)}, NULL) AS {Quoted(column)}, "
                        + $"octet_length({Quoted(column)})"
                    : $"NULL AS {Quoted(column)}, NULL"
            )
        );

    private static string Nulls(IReadOnlyList<string> columns) =>
        string.Join(", ", columns.SelectMany(static _ => new[] { "NULL", "NULL" }));

    private static string Quoted(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (SqliteException error)
        {
            throw Refused(Path, error);
        }
    }

    private static void CheckFile(string path)
    {
        if (Directory.Exists(path))
            throw new StoreRefusedException($"'{path}' is a directory and not a database file.");
        try
        {
            Span<byte> head = stackalloc byte[HeaderSize];
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            file.ReadAtLeast(head, HeaderSize, throwOnEndOfStream: false);
            if (!head.SequenceEqual(Encoding.ASCII.GetBytes("SQLite format 3\0")))
                throw new StoreRefusedException($"'{path}' is no SQLite database: it does not begin like one.");
        }
        catch (FileNotFoundException error)
        {
            throw new StoreRefusedException($"There is no file '{path}'.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException($"'{path}' cannot be read: {error.Message}", error);
        }
    }

    private static StoreRefusedException Refused(string path, SqliteException error) =>
        StoreTrouble.IsDamage(error)
            ? new(
                $"'{path}' is damaged (SQLite {error.SqliteExtendedErrorCode}). Restore it from a backup, or recover what can be read: "
                    + $"sqlite3 '{path}' .recover | sqlite3 recovered.db",
                error
            )
            : new(
                $"'{path}' cannot be read: {StoreTrouble.Describe(error)}. Stop the program that has it, and copy it together with its "
                    + "'-wal' and '-shm' files, if there are any, to a directory that this user may write.",
                error
            );
}

/// <summary>Rows that were put aside, by their key.</summary>
public sealed class ForeignLookup
{
    private const string Find = "SELECT * FROM temp.looked_up WHERE k = ?1 ORDER BY rowid";

    private readonly SqliteSession _session;
    private readonly Func<Func<bool>, bool> _guard;

    internal ForeignLookup(SqliteSession session, Func<Func<bool>, bool> guard) => (_session, _guard) = (session, guard);

    /// <summary>The rows of a key, in the order in which they came; one row object for all.</summary>
    public IEnumerable<ForeignRow> Of(string key)
    {
        var statement = _session.Prepare(Find).Add(key);
        try
        {
            var row = new ForeignRow((SqliteStatement)statement, first: 1);
            while (_guard(statement.Step))
                yield return row;
        }
        finally
        {
            statement.Reset();
        }
    }
}
