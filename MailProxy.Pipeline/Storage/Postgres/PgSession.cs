using MailProxy.Pipeline.Storage.Sql;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>A connection to PostgreSQL. What is posted goes out together with the next statement that asks for something.</summary>
internal sealed class PgSession(NpgsqlConnection connection) : Session
{
    // So many go out at once at the latest, so that neither side waits for the other for long.
    private const int MostPosted = 2_048;

    // Many large bodies are not one statement, which the server has in memory as a whole.
    private const int MostOctets = 4 * 1024 * 1024;

    // So many are asked for in one question.
    private const int MostAsked = 1_024;

    private const string Numbers = "SELECT last FROM given_numbers WHERE name = ?1";

    private readonly Dictionary<string, PgStatement> _long = new(ReferenceEqualityComparer.Instance);
    private readonly PgPosts _posts = new();

    public NpgsqlConnection Connection { get; private set; } = connection;

    public override Statement PrepareLong(string sql)
    {
        if (_long.TryGetValue(sql, out var known))
            return known.Reset();
        var made = new PgStatement(this, PgSql.OfConstant(sql), isKept: true) { IsLong = true };
        _long.Add(sql, made);
        return made;
    }

    public override long LastNumber(string table) => Prepare(Numbers).Add(table).Scalar() ?? 0;

    /// <summary>Adds a statement whose result nobody asks for.</summary>
    /// <param name="sql">A constant, as PostgreSQL reads it.</param>
    /// <param name="changed">Is told how many rows it has changed; null: nobody.</param>
    public void Post(string sql, PgValue[] values, Action<int>? changed = null)
    {
        _posts.Add(sql, values, changed);
        if (_posts.Count >= MostPosted || _posts.Size >= MostOctets)
            Flush();
    }

    /// <summary>Runs what was posted, and a statement behind it whose answer is read.</summary>
    public void Ask(NpgsqlBatchCommand command, Action<NpgsqlDataReader> read) => _posts.Flush(Connection, command, read);

    public override bool IsRemote => true;

    public override void AskEach<T>(string sql, IReadOnlyList<T> questions, Action<Statement, T> add, Action<T, Statement?> answer)
    {
        var statement = (PgStatement)Prepare(sql);
        foreach (var part in questions.Chunk(MostAsked))
        {
            var first = new object?[]?[part.Length];
            Ask(statement, sql, one: true, part, add, (at, row) => first[at] = row);
            for (var i = 0; i < part.Length; i++)
                answer(part[i], first[i] is { } row ? statement.At(row) : null);
            statement.Reset();
        }
    }

    public override void AskRows<T>(string sql, IReadOnlyList<T> questions, Action<Statement, T> add, Action<T, Statement> answer)
    {
        var statement = (PgStatement)Prepare(sql);
        foreach (var part in questions.Chunk(MostAsked))
        {
            var rows = new List<(int At, object?[] Row)>();
            Ask(statement, sql, one: false, part, add, (at, row) => rows.Add((at, row)));
            foreach (var (at, row) in rows.OrderBy(static row => row.At)) // a stable order: of each question, that of its answers
                answer(part[at], statement.At(row));
            statement.Reset();
        }
    }

    public override void Flush()
    {
        if (!_posts.IsEmpty)
            _posts.Flush(Connection);
    }

    /// <summary>Goes on with another connection, instead of one that is lost.</summary>
    public void Use(NpgsqlConnection another)
    {
        Drop();
        Connection.Dispose();
        Connection = another;
    }

    public override void Drop() => _posts.Drop();

    // All rows are read before anybody is told: who hears may ask the next question.
    private void Ask<T>(PgStatement statement, string sql, bool one, T[] questions, Action<Statement, T> add, Action<int, object?[]> row)
    {
        var values = new PgValue[questions.Length][];
        for (var i = 0; i < questions.Length; i++)
        {
            add(statement, questions[i]);
            values[i] = statement.Take();
        }

        var kinds = PgMany.KindsOf(values[0]);
        var command = new NpgsqlBatchCommand(PgMany.Question(PgSql.OfConstant(sql), kinds, one));
        for (var i = 0; i < kinds.Length; i++)
            command.Parameters.Add(PgValue.ToParameter(values, i));
        Ask(
            command,
            reader =>
            {
                while (reader.Read())
                {
                    var read = PgStatement.RowOf(reader);
                    row((int)(long)read[0]! - 1, read[1..]);
                }
            }
        );
    }

    protected override Statement Make(string sql, bool isKept) =>
        new PgStatement(this, isKept ? PgSql.OfConstant(sql) : PgSql.Of(sql), isKept);

    protected override void Close()
    {
        Drop();
        Connection.Dispose();
    }
}
