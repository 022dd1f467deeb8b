namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>A connection with its prepared statements. Used by one thread at a time.</summary>
/// <remarks>
/// The statements are written once, in the SQL that SQLite and PostgreSQL both understand; <c>?1</c>, <c>?2</c>, … are their parameters.
/// What only one of them wants to be told (an index, an order of joins) is left out for the other by its session.
/// </remarks>
internal abstract class Session : IDisposable
{
    // Keyed by reference: every SQL text is a constant of its class, so equal texts are the same object.
    private readonly Dictionary<string, Statement> _statements = new(ReferenceEqualityComparer.Instance);

    /// <summary>
    /// The statement of this constant text, ready for its first parameter. It is shared, so the caller must finish with it before
    /// requesting the same one again.
    /// </summary>
    public Statement Prepare(string sql)
    {
        if (_statements.TryGetValue(sql, out var known))
            return known.Reset();
        var made = Make(sql, isKept: true);
        _statements.Add(sql, made);
        return made;
    }

    /// <summary>The same of a statement that answers very many rows, of which mostly the first ones are looked at.</summary>
    public virtual Statement PrepareLong(string sql) => Prepare(sql);

    /// <summary>Runs what was posted (<see cref="Statement.Post()"/>).</summary>
    public virtual void Flush() { }

    /// <summary>Nothing of what was posted and has not run runs any more.</summary>
    public virtual void Drop() { }

    /// <summary>Runs a statement that is not kept, with its parameters (?1, ?2, …) in order. Returns the number of changed rows.</summary>
    public int Run(string sql, params ReadOnlySpan<object?> values)
    {
        using var statement = Open(sql, values);
        return statement.Run();
    }

    public List<T> Query<T>(string sql, Func<Statement, T> row, params ReadOnlySpan<object?> values)
    {
        using var statement = Open(sql, values);
        var rows = new List<T>();
        while (statement.Step())
            rows.Add(row(statement));
        return rows;
    }

    /// <summary>The first row, or null when there is none.</summary>
    public T? QueryFirst<T>(string sql, Func<Statement, T> row, params ReadOnlySpan<object?> values)
        where T : class
    {
        using var statement = Open(sql, values);
        return statement.Step() ? row(statement) : null;
    }

    /// <summary>The first column of the first row; null when there is no row, or when it is NULL.</summary>
    public long? QueryNumber(string sql, params ReadOnlySpan<object?> values)
    {
        using var statement = Open(sql, values);
        return statement.Scalar();
    }

    /// <summary>Whether each question is a way to a server and back, so that it pays to ask for much at once.</summary>
    public virtual bool IsRemote => false;

    /// <summary>Asks the same for each, in one go where that is quicker, and tells the first row of each answer (null: there is
    /// none).</summary>
    public virtual void AskEach<T>(string sql, IReadOnlyList<T> questions, Action<Statement, T> add, Action<T, Statement?> answer)
    {
        foreach (var question in questions)
        {
            var statement = Prepare(sql);
            add(statement, question);
            answer(question, statement.Step() ? statement : null);
            statement.Reset();
        }
    }

    /// <summary>The same of questions with several answers each: tells all of the first, then all of the second, and so on.</summary>
    public virtual void AskRows<T>(string sql, IReadOnlyList<T> questions, Action<Statement, T> add, Action<T, Statement> answer)
    {
        foreach (var question in questions)
        {
            var statement = Prepare(sql);
            add(statement, question);
            while (statement.Step())
                answer(question, statement);
        }
    }

    /// <summary>The highest number that a row of this table was ever given; 0: none was.</summary>
    public abstract long LastNumber(string table);

    /// <summary>Whether what is deleted is overwritten at any cost, or only where that costs little.</summary>
    public virtual void OverwriteDeleted(bool always) { }

    /// <summary>A statement that is not kept, before its first row. The caller disposes it.</summary>
    public Statement Open(string sql, params ReadOnlySpan<object?> values)
    {
        var statement = Make(sql, isKept: false);
        try
        {
            return statement.AddAll(values);
        }
        catch
        {
            statement.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
            statement.Dispose();
        _statements.Clear();
        Close();
    }

    /// <param name="isKept">It lives as long as the connection.</param>
    protected abstract Statement Make(string sql, bool isKept);

    /// <summary>Closes the connection, behind its statements.</summary>
    protected abstract void Close();
}
