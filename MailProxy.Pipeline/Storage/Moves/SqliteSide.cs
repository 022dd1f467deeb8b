using System.Text;
using System.Text.Unicode;
using MailProxy.Pipeline.Storage.Postgres;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Moves;

/// <summary>A store in SQLite that this process has for itself.</summary>
internal abstract class SqliteSide(SqliteConnection connection, BodyFiles bodies) : MoveSide
{
    /// <summary>The marks of the attempts under way, in a file that only SQLite has.</summary>
    private const string Flight = "flight";

    private IReadOnlyList<MoveTable>? _tables;

    public override IReadOnlyList<MoveTable> Tables => _tables ??= ReadTables();

    /// <summary>Texts that PostgreSQL would not take as they are.</summary>
    public long ReplacedTexts { get; private set; }

    protected SqliteConnection Connection => connection;

    protected BodyFiles Bodies => bodies;

    public override long Count(MoveTable table) => Connections.Number(connection, table.Count);

    public override void Read(MoveTable table, Action<Cell[]> row)
    {
        using var statement = new SqliteStatement(connection.Handle!, table.Select, isKept: false);
        var cells = new Cell[table.Columns.Count];
        while (statement.Step())
        {
            for (var i = 0; i < cells.Length; i++)
            {
                cells[i] = table.Columns[i].Kind switch
                {
                    _ when statement.IsNull(i) => Cell.Null,
                    ColumnKind.Number => Cell.Of(statement.Long(i)),
                    ColumnKind.Text => Cell.Of(Storable(statement.Octets(i))),
                    _ => Cell.Of(statement.Blob(i)),
                };
            }

            row(cells);
        }
    }

    public override SortedDictionary<string, long> Numbers()
    {
        var numbers = new SortedDictionary<string, long>(StringComparer.Ordinal);
        using var row = new SqliteStatement(connection.Handle!, "SELECT name, seq FROM sqlite_sequence WHERE seq > 0", isKept: false);
        while (row.Step())
            numbers.Add(row.Text(0), row.Long(1));
        return numbers;
    }

    public override IReadOnlyList<string> BodyNames() =>
        Connections.Texts(connection, "SELECT spool FROM bodies WHERE spool IS NOT NULL ORDER BY spool");

    public override bool HasBody(string name) => bodies.Has(name);

    public override void ReadBody(string name, Action<byte[]> part) => bodies.Read(name, part);

    private MoveTable[] ReadTables() =>
        [
            .. Connections
                .Texts(
                    connection,
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
                        + $"AND name <> '{Flight}' ORDER BY name"
                )
                .Select(ReadTable),
        ];

    private MoveTable ReadTable(string name)
    {
        var columns = new List<MoveColumn>();
        var key = new List<(long At, string Name)>();
        using var row = new SqliteStatement(
            connection.Handle!,
            $"SELECT name, type, pk FROM pragma_table_info('{name}') ORDER BY cid",
            isKept: false
        );
        while (row.Step())
        {
            var column = new MoveColumn(row.Text(0), KindOf(row.Text(1)));
            columns.Add(column);
            if (row.Long(2) > 0)
                key.Add((row.Long(2), column.Name));
        }

        return new(name, columns, [.. key.Order().Select(static one => one.Name)]);
    }

    private static ColumnKind KindOf(string type) =>
        type switch
        {
            "INTEGER" => ColumnKind.Number,
            "TEXT" => ColumnKind.Text,
            "BLOB" => ColumnKind.Blob,
            _ => throw new InvalidOperationException($"A column is of the type '{type}'."),
        };

    private byte[] Storable(byte[] text)
    {
        if (!text.AsSpan().Contains((byte)0) && Utf8.IsValid(text))
            return text;
        ReplacedTexts++;
        return Encoding.UTF8.GetBytes(PgText.Storable(Encoding.UTF8.GetString(text)));
    }
}
