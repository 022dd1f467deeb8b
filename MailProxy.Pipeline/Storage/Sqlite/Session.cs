using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>A connection with its prepared statements. One thread at a time.</summary>
/// <param name="damaged">Hears of every statement that met damage, whoever catches the exception.</param>
internal sealed class Session(SqliteConnection connection, Action<SqliteException>? damaged = null) : IDisposable
{
    // Keyed by reference: every SQL text is a constant of its class, so the same text is the same object.
    private readonly Dictionary<string, Statement> _statements = new(ReferenceEqualityComparer.Instance);

    public SqliteConnection Connection { get; } = connection;

    /// <summary>
    /// The statement of this constant text, ready for its first parameter. It is shared: finish with it before asking for the same one
    /// again.
    /// </summary>
    public Statement Prepare(string sql)
    {
        if (_statements.TryGetValue(sql, out var known))
            return known.Reset();
        var made = new Statement(Connection.Handle!, sql, damaged);
        _statements.Add(sql, made);
        return made;
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
            statement.Dispose();
        _statements.Clear();
        Connection.Dispose();
    }
}
