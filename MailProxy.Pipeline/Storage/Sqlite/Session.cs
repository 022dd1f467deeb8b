using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>A connection with its prepared statements. Used by one thread at a time.</summary>
/// <param name="damaged">Called for every statement that met damage, whoever catches the exception.</param>
internal sealed class Session(SqliteConnection connection, Action<SqliteException>? damaged = null) : IDisposable
{
    // Keyed by reference: every SQL text is a constant of its class, so equal texts are the same object.
    private readonly Dictionary<string, Statement> _statements = new(ReferenceEqualityComparer.Instance);

    public SqliteConnection Connection { get; } = connection;

    /// <summary>
    /// The statement of this constant text, ready for its first parameter. It is shared, so the caller must finish with it before
    /// requesting the
    /// same one again.
    /// </summary>
    public Statement Prepare(string sql)
    {
        if (_statements.TryGetValue(sql, out var known))
            return known.Reset();
        var made = new Statement(Connection.Handle!, sql, damaged);
        _statements.Add(sql, made);
        return made;
    }

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

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
            statement.Dispose();
        _statements.Clear();
        Connection.Dispose();
    }

    /// <summary>A statement that is not kept, before its first row. The caller disposes it.</summary>
    public Statement Open(string sql, params ReadOnlySpan<object?> values)
    {
        var statement = new Statement(Connection.Handle!, sql, damaged, isKept: false);
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
}
