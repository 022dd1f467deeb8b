using System.Globalization;
using System.Text;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>A row of another program's database, whose columns may hold anything.</summary>
public sealed class ForeignRow
{
    // Beyond it a double has no whole seconds any more.
    private const double Largest = 9e15;

    private readonly SqliteStatement _statement;
    private readonly int _first;

    internal ForeignRow(SqliteStatement statement, int first = 0) => (_statement, _first) = (statement, first);

    public bool IsNull(int column) => Value(column) is null;

    /// <summary>Bytes of the value as text; also of one that was too large to be read. 0: null.</summary>
    public long Size(int column) => _statement.LongOrNull(_first + (2 * column) + 1) ?? 0;

    /// <summary>Whether there is a value that was too large to be read.</summary>
    public bool IsCut(int column) => IsNull(column) && Size(column) > 0;

    /// <summary>As text, with every character that is there, NUL too; what is no UTF-8 becomes U+FFFD.</summary>
    public string? Text(int column) =>
        Value(column) switch
        {
            null => null,
            long number => number.ToString(CultureInfo.InvariantCulture),
            double real => real.ToString("R", CultureInfo.InvariantCulture),
            byte[] bytes => Encoding.UTF8.GetString(bytes),
            _ => null,
        };

    /// <summary>The octets of a text or a blob; null: it is null, or a number.</summary>
    public byte[]? Bytes(int column) => Value(column) as byte[];

    /// <summary>A whole number, also one that is written as text or with a fraction; null: it is none.</summary>
    public long? Number(int column) =>
        Value(column) switch
        {
            long number => number,
            double real => Whole(real),
            byte[] bytes when Encoding.UTF8.GetString(bytes) is var text => long.TryParse(
                text,
                NumberStyles.Integer,
                CultureInfo.InvariantCulture,
                out var number
            )
                ? number
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) ? Whole(real)
            : null,
            _ => null,
        };

    /// <summary>A long, a double, the octets of a text or a blob, or null.</summary>
    public object? Value(int column) => _statement.Foreign(_first + (2 * column));

    private static long? Whole(double real) => Math.Abs(real) < Largest ? (long)real : null;
}
