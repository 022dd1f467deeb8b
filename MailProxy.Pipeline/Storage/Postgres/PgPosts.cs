using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// What is to be run and whose rows nobody asks for. The same statement is run once for all its rows: each is moved to the place of the one
/// before, past what touches none of its tables, or only other messages' rows of them.
/// </summary>
internal sealed class PgPosts
{
    private readonly List<Run> _runs = [];
    private readonly Dictionary<string, int> _last = new(ReferenceEqualityComparer.Instance);

    /// <summary>How many rows wait.</summary>
    public int Count { get; private set; }

    /// <summary>The length of their texts and octets.</summary>
    public long Size { get; private set; }

    /// <summary>How many statements they are.</summary>
    public int Statements => _runs.Count;

    public bool IsEmpty => Statements == 0;

    /// <param name="sql">As PostgreSQL reads it; the same object for the same constant.</param>
    /// <param name="changed">Is told how many rows it has changed; null: nobody.</param>
    public void Add(string sql, PgValue[] row, Action<int>? changed = null)
    {
        Count++;
        foreach (var value in row)
            Size += value.Size;
        var many = PgMany.Of(sql);
        if (_last.TryGetValue(sql, out var at) && _runs[at].Takes(row, changed is not null) && CanMove(many, row, at))
        {
            _runs[at].Add(row, changed);
            return;
        }

        _last[sql] = _runs.Count;
        _runs.Add(new(sql, many, row, changed));
    }

    /// <summary>Runs all, and behind it a question, in one batch; then tells who is to be told. Nothing is left, whatever
    /// happens.</summary>
    /// <param name="ask">The question; null: there is none.</param>
    /// <param name="read">Reads its answer.</param>
    public void Flush(NpgsqlConnection connection, NpgsqlBatchCommand? ask = null, Action<NpgsqlDataReader>? read = null)
    {
        var runs = _runs.ToArray();
        Drop();
        using var batch = new NpgsqlBatch(connection);
        foreach (var run in runs)
            batch.BatchCommands.Add(run.Command());
        if (ask is not null)
            batch.BatchCommands.Add(ask);
        using (var reader = batch.ExecuteReader())
        {
            foreach (var run in runs.Where(static run => run.HasRows))
            {
                run.Read(reader);
                reader.NextResult();
            }

            read?.Invoke(reader);
            while (reader.NextResult())
            {
                // To the end, where an error of any of them is told.
            }
        }

        foreach (var run in runs)
            run.Tell();
    }

    public void Drop()
    {
        _runs.Clear();
        _last.Clear();
        (Count, Size) = (0, 0);
    }

    private bool CanMove(PgMany many, PgValue[] row, int to)
    {
        for (var i = to + 1; i < _runs.Count; i++)
        {
            if (_runs[i].Touches(many, row))
                return false;
        }

        return true;
    }

    /// <summary>One statement with the rows that it is run for.</summary>
    private sealed class Run
    {
        private readonly string _sql;
        private readonly PgMany _many;
        private readonly string _kinds;
        private readonly List<PgValue[]> _rows = [];
        private readonly List<Action<int>> _told = [];
        private readonly HashSet<long> _messages = [];
        private readonly HashSet<(long, long, string)> _seen = [];
        private readonly Dictionary<long, int> _changed = [];
        private NpgsqlBatchCommand? _command;

        public Run(string sql, PgMany many, PgValue[] row, Action<int>? changed)
        {
            (_sql, _many, IsTold, _kinds) = (sql, many, changed is not null, PgMany.KindsOf(row));
            _seen.Add(NameOf(row));
            Add(row, changed);
        }

        public bool IsTold { get; }

        public bool HasRows => _many.HasRows || IsToldByRows;

        private bool IsToldByRows => IsTold && _rows.Count > 1;

        /// <summary>Whether it can be run for this row too.</summary>
        public bool Takes(PgValue[] row, bool isTold) =>
            _many.IsUnderstood
            && !_kinds.Contains(PgMany.Unknown)
            && isTold == IsTold
            && PgMany.AreOf(_kinds, row)
            && !(isTold && (_many.KeyColumn is null || _messages.Contains(row[_many.Key].Number)))
            && (_many.Unique.Count == 0 || _seen.Add(NameOf(row)));

        public void Add(PgValue[] row, Action<int>? changed)
        {
            _rows.Add(row);
            if (changed is not null)
                _told.Add(changed);
            if (_many.Key >= 0)
                _messages.Add(row[_many.Key].Number);
        }

        /// <summary>Whether it matters to it which of the two comes first.</summary>
        public bool Touches(PgMany other, PgValue[] row) =>
            (_many.Key < 0 || other.Key < 0 || _messages.Contains(row[other.Key].Number))
            && (!_many.IsUnderstood || !other.IsUnderstood || _many.Tables.Intersect(other.Tables).Any());

        public NpgsqlBatchCommand Command()
        {
            if (_rows.Count == 1)
            {
                _command = new(_sql);
                foreach (var value in _rows[0])
                    _command.Parameters.Add(value.ToParameter());
                return _command;
            }

            _command = new(_many.Text(_kinds, IsTold));
            for (var i = 0; i < _kinds.Length; i++)
                _command.Parameters.Add(PgValue.ToParameter(_rows, i));
            return _command;
        }

        /// <summary>Reads which rows it has changed, where that is what it answers.</summary>
        public void Read(NpgsqlDataReader reader)
        {
            while (IsToldByRows && reader.Read())
                _changed[reader.GetInt64(0)] = _changed.GetValueOrDefault(reader.GetInt64(0)) + 1;
        }

        public void Tell()
        {
            for (var i = 0; i < _told.Count; i++)
                _told[i](IsToldByRows ? _changed.GetValueOrDefault(_rows[i][_many.Key].Number) : _command!.RecordsAffected);
        }

        private (long, long, string) NameOf(PgValue[] row)
        {
            var (first, second, rest) = (0L, 0L, "");
            for (var i = 0; i < _many.Unique.Count; i++)
            {
                var value = row[_many.Unique[i]];
                if (value.Kind != PgKind.Number || i > 1)
                    rest += $"\n{value.Other ?? value.Number}";
                else if (i == 0)
                    first = value.Number;
                else
                    second = value.Number;
            }

            return (first, second, rest);
        }
    }
}
