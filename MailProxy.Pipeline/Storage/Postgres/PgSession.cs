using MailProxy.Pipeline.Storage.Sql;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>A connection to PostgreSQL. What is posted goes out together with the next statement that asks for something.</summary>
internal sealed class PgSession(NpgsqlConnection connection) : Session
{
    // So many go out at once at the latest, so that neither side waits for the other for long.
    private const int MostPosted = 256;

    private const string Numbers = "SELECT last FROM given_numbers WHERE name = ?1";

    private readonly Dictionary<string, PgStatement> _long = new(ReferenceEqualityComparer.Instance);
    private readonly List<(NpgsqlBatchCommand Command, Action<int> Changed)> _told = [];
    private NpgsqlBatch? _posted;

    public NpgsqlConnection Connection { get; private set; } = connection;

    public override Statement PrepareLong(string sql)
    {
        if (_long.TryGetValue(sql, out var known))
            return known.Reset();
        var made = new PgStatement(this, PgSql.OfConstant(sql)) { IsLong = true };
        _long.Add(sql, made);
        return made;
    }

    public override long LastNumber(string table) => Prepare(Numbers).Add(table).Scalar() ?? 0;

    /// <summary>Adds a statement whose result nobody asks for.</summary>
    public void Post(NpgsqlBatchCommand command)
    {
        _posted ??= new(Connection);
        _posted.BatchCommands.Add(command);
        if (_posted.BatchCommands.Count >= MostPosted)
            Flush();
    }

    public void Post(NpgsqlBatchCommand command, Action<int> changed)
    {
        _told.Add((command, changed));
        Post(command);
    }

    /// <summary>Whether somebody is to be told what a statement that was posted has changed.</summary>
    public bool AnyTold => _told.Count > 0;

    public override bool IsRemote => true;

    public override void AskEach<T>(string sql, IReadOnlyList<T> questions, Action<Statement, T> add, Action<T, Statement?> answer)
    {
        foreach (var part in questions.Chunk(MostPosted))
        {
            Flush();
            var statement = (PgStatement)Prepare(sql);
            using var batch = new NpgsqlBatch(Connection);
            foreach (var question in part)
            {
                add(statement, question);
                batch.BatchCommands.Add(statement.Take());
            }

            var rows = FirstRows(batch);
            for (var i = 0; i < part.Length; i++)
                answer(part[i], rows[i] is { } row ? statement.At(row) : null);
            statement.Reset();
        }
    }

    public override void Flush()
    {
        if (_posted is not { } posted)
            return;
        _posted = null;
        using (posted)
            posted.ExecuteNonQuery();
        foreach (var (command, changed) in _told)
            changed(command.RecordsAffected);
        _told.Clear();
    }

    /// <summary>Goes on with another connection, instead of one that is lost.</summary>
    public void Use(NpgsqlConnection another)
    {
        Drop();
        Connection.Dispose();
        Connection = another;
    }

    public override void Drop()
    {
        _posted?.Dispose();
        _posted = null;
        _told.Clear();
    }

    // Whole, before anybody is told: who hears may ask the next question.
    private static List<object?[]?> FirstRows(NpgsqlBatch batch)
    {
        var rows = new List<object?[]?>(batch.BatchCommands.Count);
        using var reader = batch.ExecuteReader();
        do rows.Add(reader.Read() ? PgStatement.RowOf(reader) : null);
        while (reader.NextResult());
        return rows;
    }

    protected override Statement Make(string sql, bool isKept) => new PgStatement(this, isKept ? PgSql.OfConstant(sql) : PgSql.Of(sql));

    protected override void Close()
    {
        Drop();
        Connection.Dispose();
    }
}
