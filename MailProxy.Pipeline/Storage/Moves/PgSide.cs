using MailProxy.Pipeline.Storage.Postgres;
using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Pipeline.Storage.Moves;

/// <summary>A store in PostgreSQL, in one transaction in which no daemon can write.</summary>
internal abstract class PgSide(PgLink link) : MoveSide
{
    /// <summary>Tables of the nodes that use a database, and bodies that SQLite has in files.</summary>
    public static readonly string[] OwnTables =
    [
        "schema_version",
        "nodes",
        "beats",
        "leases",
        "token_turns",
        "requests",
        "lease_changes",
        "turns",
        "marks",
        "large_bodies",
        "large_body_names",
        "suppressing_tenants",
    ];

    private static readonly string Moved =
        $"c.relnamespace = '{PgServer.Schema}'::regnamespace AND c.relkind = 'r' AND c.relname NOT IN "
        + $"({string.Join(", ", OwnTables.Select(static name => $"'{name}'"))})";

    private static readonly string Columns = $"""
        SELECT c.relname::text, a.attname::text, y.typname::text, coalesce(array_position(i.indkey::smallint[], a.attnum), -1)::bigint
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
        WHERE {Moved} ORDER BY c.relname COLLATE "C", a.attnum
        """;

    private static readonly string Identities = $"""
        SELECT c.relname::text, a.attname::text
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attidentity <> '' AND NOT a.attisdropped
        WHERE {Moved}
        """;

    private IReadOnlyList<MoveTable>? _tables;

    public override IReadOnlyList<MoveTable> Tables => _tables ??= ReadTables();

    protected PgLink Link => link;

    public override long Count(MoveTable table) => link.Number(table.Count) ?? 0;

    public override void Read(MoveTable table, Action<Cell[]> row)
    {
        var cells = new Cell[table.Columns.Count];
        link.Query(
            table.Select,
            [],
            reader =>
            {
                for (var i = 0; i < cells.Length; i++)
                {
                    cells[i] =
                        reader.IsDBNull(i) ? Cell.Null
                        : table.Columns[i].Kind == ColumnKind.Number ? Cell.Of(reader.GetInt64(i))
                        : Cell.Of(reader.GetFieldValue<byte[]>(i));
                }

                row(cells);
            }
        );
    }

    public override SortedDictionary<string, long> Numbers()
    {
        var numbers = new SortedDictionary<string, long>(StringComparer.Ordinal);
        link.Query(
            "SELECT last_event, last_message FROM turns",
            [],
            row => (numbers["events"], numbers["messages"]) = (row.GetInt64(0), row.GetInt64(1))
        );
        foreach (var (table, column) in ReadIdentities())
        {
            numbers[table] = link.Number($"SELECT pg_sequence_last_value(pg_get_serial_sequence('{table}', '{column}')::regclass)") ?? 0;
        }

        foreach (var none in numbers.Where(static one => one.Value == 0).ToArray())
            numbers.Remove(none.Key);
        return numbers;
    }

    public override IReadOnlyList<string> BodyNames()
    {
        var names = new List<string>();
        link.Query("SELECT spool FROM bodies WHERE spool IS NOT NULL ORDER BY spool", [], row => names.Add(row.GetString(0)));
        return names;
    }

    public override bool HasBody(string name) => link.Number("SELECT 1::bigint FROM large_body_names WHERE name = $1", name) is not null;

    public override void ReadBody(string name, Action<byte[]> part) =>
        link.Query("SELECT octets FROM large_bodies WHERE name = $1 ORDER BY part", [name], row => part(row.GetFieldValue<byte[]>(0)));

    public override void Dispose() => link.Dispose();

    /// <summary>The columns of the moved tables that give numbers.</summary>
    protected List<(string Table, string Column)> ReadIdentities()
    {
        var found = new List<(string, string)>();
        link.Query(Identities, [], row => found.Add((row.GetString(0), row.GetString(1))));
        return found;
    }

    private List<MoveTable> ReadTables()
    {
        var rows = new List<(string Table, MoveColumn Column, long Key)>();
        link.Query(Columns, [], row => rows.Add((row.GetString(0), new(row.GetString(1), KindOf(row.GetString(2))), row.GetInt64(3))));
        return rows.GroupBy(static row => row.Table)
            .Select(static table => new MoveTable(
                table.Key,
                [.. table.Select(static row => row.Column)],
                [.. table.Where(static row => row.Key >= 0).OrderBy(static row => row.Key).Select(static row => row.Column.Name)]
            ))
            .ToList();
    }

    private static ColumnKind KindOf(string type) =>
        type switch
        {
            "int8" => ColumnKind.Number,
            "str" => ColumnKind.Text,
            "bytea" => ColumnKind.Blob,
            _ => throw new InvalidOperationException($"A column is of the type '{type}'."),
        };
}
