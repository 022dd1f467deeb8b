using System.Globalization;
using MailProxy.Pipeline.Storage.Sql;
using Npgsql;
using NpgsqlTypes;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// One statement of PostgreSQL. Its rows are read when the first is asked for, so that another statement may run between two.
/// </summary>
internal sealed class PgStatement(PgSession session, string sql) : Statement
{
    // Of a statement that answers more, the rest is asked for when it is wanted.
    private static readonly int[] Portions = [128, 1_024, 8_192];

    private readonly List<NpgsqlParameter> _values = [];
    private readonly List<object?[]> _rows = [];
    private int _at = -1;
    private int _taken; // rows of the portions before
    private bool _isAll;

    /// <summary>Its rows come in portions.</summary>
    public bool IsLong { get; init; }

    private object? this[int column] => _rows[_at][column];

    public override Statement Add(long value)
    {
        _values.Add(new NpgsqlParameter<long> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Bigint });
        return this;
    }

    public override Statement Add(string? value)
    {
        if (value is null)
            return AddNull(ColumnKind.Text);
        _values.Add(new NpgsqlParameter<string> { TypedValue = PgText.Storable(value), NpgsqlDbType = NpgsqlDbType.Text });
        return this;
    }

    public override Statement AddBlob(ReadOnlySpan<byte> value)
    {
        _values.Add(new NpgsqlParameter<byte[]> { TypedValue = value.ToArray(), NpgsqlDbType = NpgsqlDbType.Bytea });
        return this;
    }

    public override Statement AddNull(ColumnKind kind)
    {
        var value = new NpgsqlParameter { Value = DBNull.Value };
        if (kind != ColumnKind.Any)
        {
            value.NpgsqlDbType = kind switch
            {
                ColumnKind.Number => NpgsqlDbType.Bigint,
                ColumnKind.Text => NpgsqlDbType.Text,
                _ => NpgsqlDbType.Bytea,
            };
        }

        _values.Add(value);
        return this;
    }

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
        session.Flush();
        using var command = Command(sql);
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            // Skips the rows of a RETURNING clause.
        }

        var changed = reader.RecordsAffected;
        Reset();
        return Math.Max(0, changed);
    }

    public override void Post() => session.Post(Take());

    public override void Post(Action<int> changed) => session.Post(Take(), changed);

    /// <summary>The statement with its values, for a batch; the next values may be added.</summary>
    public NpgsqlBatchCommand Take()
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in _values)
            command.Parameters.Add(value);
        Reset();
        return command;
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

    /// <summary>Reads the next rows; false: there are none.</summary>
    private bool Read()
    {
        session.Flush();
        var most = IsLong ? Portions[Math.Min(Portions.Length - 1, Portions.Count(portion => portion <= _taken))] : int.MaxValue;
        _rows.Clear();
        _at = -1;
        using var command = Command(IsLong ? string.Create(CultureInfo.InvariantCulture, $"{sql} LIMIT {most} OFFSET {_taken}") : sql);
        using var reader = command.ExecuteReader();
        command.Parameters.Clear(); // they belong to the next portion's command too
        while (reader.Read())
            _rows.Add(RowOf(reader));

        _taken += _rows.Count;
        _isAll = _rows.Count < most;
        return _rows.Count > 0;
    }

    private NpgsqlCommand Command(string text)
    {
        var command = new NpgsqlCommand(text, session.Connection);
        foreach (var value in _values)
            command.Parameters.Add(value);
        return command;
    }
}
