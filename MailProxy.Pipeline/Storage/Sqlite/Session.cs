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

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
            statement.Dispose();
        _statements.Clear();
        Connection.Dispose();
    }
}
