using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Pipeline.Storage.Moves;

/// <summary>A table that both databases have.</summary>
/// <param name="Key">The columns of its primary key, in order.</param>
internal sealed record MoveTable(string Name, IReadOnlyList<MoveColumn> Columns, IReadOnlyList<string> Key)
{
    /// <summary>Which process has the database, and that the store was moved away, is not part of the store.</summary>
    public const string Settings = "settings";

    private const string OfThePlace = $" WHERE name NOT IN ('{MovedNote.Setting}', 'store.place', 'store.probe')";

    public string ColumnList => string.Join(", ", Columns.Select(static column => Quoted(column.Name)));

    public string Where => Name == Settings ? OfThePlace : "";

    /// <summary>All rows, in the order that both databases have.</summary>
    public string Select => $"SELECT {ColumnList} FROM {Quoted(Name)}{Where} ORDER BY {string.Join(", ", Key.Select(Quoted))}";

    public string Count => $"SELECT count(*) FROM {Quoted(Name)}{Where}";

    public static string Quoted(string name) => $"\"{name}\"";
}

/// <summary>A column, and what stands in it.</summary>
internal readonly record struct MoveColumn(string Name, ColumnKind Kind);

/// <summary>What stands in one column of one row: a number, octets (of a text its UTF-8), or nothing.</summary>
internal readonly record struct Cell(long Number, byte[]? Octets, bool IsNull)
{
    public static Cell Null => new(0, null, true);

    public static Cell Of(long number) => new(number, null, false);

    public static Cell Of(byte[] octets) => new(0, octets, false);
}
