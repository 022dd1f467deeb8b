using MailProxy.Pipeline.Storage.Sql;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>A connection to SQLite with its prepared statements.</summary>
/// <param name="damaged">Called for every statement that met damage, whoever catches the exception.</param>
internal sealed class SqliteSession(SqliteConnection connection, Action<SqliteException>? damaged = null) : Session
{
    private const string Numbers = "SELECT seq FROM sqlite_sequence WHERE name = ?1";

    private const string OverwriteAll = "PRAGMA secure_delete = ON";
    private const string OverwriteSome = "PRAGMA secure_delete = FAST";

    public SqliteConnection Connection { get; } = connection;

    public override long LastNumber(string table) => Prepare(Numbers).Add(table).Scalar() ?? 0;

    public override void OverwriteDeleted(bool always) => Prepare(always ? OverwriteAll : OverwriteSome).Run();

    protected override Statement Make(string sql, bool isKept) => new SqliteStatement(Connection.Handle!, sql, damaged, isKept);

    protected override void Close() => Connection.Dispose();
}
