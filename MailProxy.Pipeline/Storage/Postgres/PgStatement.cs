using System.Globalization;
using MailProxy.Pipeline.Storage.Sql;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// One statement of PostgreSQL. Its rows are read when the first is asked for, so that another statement may run between two.
/// </summary>
/// <param name="isKept">It is of a constant text.</param>
internal sealed class PgStatement(PgSession session, string sql, bool isKept) : Statement
{
    // Of a statement that answers more, the rest is asked for when it is wanted.
    private static readonly int[] Portions = [128, 1_024, 8_192];

    private readonly List<PgValue> _values = [];
    private readonly List<object?[]> _rows = [];
    private int _at = -1;
    private int _taken; // rows of the portions before
    private bool _isAll;

    /// <summary>Its rows come in portions.</summary>
    public bool IsLong { get; init; }

    private object? this[int column] => _rows[_at][column];

    public override Statement Add(long value) => Add(PgValue.Of(value));

    public override Statement Add(string? value) => Add(value is null ? PgValue.Null(PgKind.Text) : PgValue.Of(PgText.Storable(value)));

    public override Statement AddBlob(ReadOnlySpan<byte> value) => Add(PgValue.Of(value.ToArray()));

    public override Statement AddNull(ColumnKind kind) =>
        Add(
            PgValue.Null(
                kind switch
                {
                    ColumnKind.Number => PgKind.Number,
                    ColumnKind.Text => PgKind.Text,
                    ColumnKind.Blob => PgKind.Octets,
                    _ => PgKind.Any,
                }
            )
        );

    public override bool Step()
    {
        if (_at + 1 < _rows.Count || (!_isAll && Read()))
        {
            _at++;
            return true;
        }

        Reset();
        return false;
    }

    public override int Run()
    {
        var command = Command(sql);
        session.Ask(
            command,
            static reader =>
            {
                while (reader.Read())
                {
                    // Skips the rows of a RETURNING clause.
                }
            }
        );
        Reset();
        return Math.Max(0, command.RecordsAffected);
    }

    public override void Post()
    {
        if (isKept)
            session.Post(sql, Take());
        else
            Run();
    }

    public override void Post(Action<int> changed)
    {
        if (isKept)
            session.Post(sql, Take(), changed);
        else
            changed(Run());
    }

    /// <summary>The values; the next ones may be added.</summary>
    public PgValue[] Take()
    {
        PgValue[] values = [.. _values];
        Reset();
        return values;
    }

    /// <summary>Stands at a row that was read by a batch.</summary>
    public Statement At(object?[] row)
    {
        Reset();
        _rows.Add(row);
        (_at, _isAll) = (0, true);
        return this;
    }

    public static object?[] RowOf(NpgsqlDataReader reader)
    {
        var row = new object?[reader.FieldCount];
        for (var i = 0; i < row.Length; i++)
            row[i] = reader.IsDBNull(i) ? null : reader.GetValue(i);
        return row;
    }

    public override bool IsNull(int column) => this[column] is null;

    public override long Long(int column) =>
        this[column] switch
        {
            long number => number,
            int number => number,
            bool flag => flag ? 1 : 0,
            decimal number => (long)number,
            null => 0,
            var other => Convert.ToInt64(other, CultureInfo.InvariantCulture),
        };

    public override string Text(int column) => this[column] as string ?? "";

    public override byte[] Blob(int column) => this[column] as byte[] ?? [];

    public override object? Value(int column) =>
        this[column] switch
        {
            int or bool or decimal => Long(column),
            var other => other,
        };

    public override Statement Reset()
    {
        _values.Clear();
        _rows.Clear();
        (_at, _taken, _isAll) = (-1, 0, false);
        return this;
    }

    public override void Dispose() => Reset();

    private PgStatement Add(PgValue value)
    {
        _values.Add(value);
        return this;
    }

    /// <summary>Reads the next rows; false: there are none.</summary>
    private bool Read()
    {
        var most = IsLong ? Portions[Math.Min(Portions.Length - 1, Portions.Count(portion => portion <= _taken))] : int.MaxValue;
        _rows.Clear();
        _at = -1;
        session.Ask(Command(IsLong ? string.Create(CultureInfo.InvariantCulture, $"{sql} LIMIT {most} OFFSET {_taken}") : sql), Keep);
        _taken += _rows.Count;
        _isAll = _rows.Count < most;
        return _rows.Count > 0;
    }

    private void Keep(NpgsqlDataReader reader)
    {
        while (reader.Read())
            _rows.Add(RowOf(reader));
    }

    private NpgsqlBatchCommand Command(string text)
    {
        var command = new NpgsqlBatchCommand(text);
        foreach (var value in _values)
            command.Parameters.Add(value.ToParameter());
        return command;
    }
}
