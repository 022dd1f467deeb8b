using MailProxy.Pipeline.Storage.Sql;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>The turns of the one connection that writes the file.</summary>
internal sealed class SqliteTurns : TurnConnection
{
    private const string BeginSql = "BEGIN IMMEDIATE";
    private const string CommitSql = "COMMIT";

    private readonly SqliteSession _session;
    private readonly Checkpointer _checkpointer;

    public SqliteTurns(SqliteSession session, Checkpointer checkpointer)
    {
        (_session, _checkpointer) = (session, checkpointer);
        Numbers.StartAt(session.LastNumber("events"), session.LastNumber("messages"));
    }

    public override Session Session => _session;

    public override void Begin() => _session.Prepare(BeginSql).Run();

    public override void Commit() => _session.Prepare(CommitSql).Run();

    public override bool? Settle()
    {
        // Some errors have already rolled back. A rollback that fails is a bug and ends the loop.
        if (raw.sqlite3_get_autocommit(_session.Connection.Handle) == 0)
            _session.Prepare("ROLLBACK").Run();
        return false;
    }

    public override string? Trouble(Exception error) =>
        error is SqliteException fault && StoreTrouble.Passes(fault) ? StoreTrouble.Describe(fault) : null;

    public override void Probe() => StoreProbe.Write(_session);

    public override void EndProbe() => StoreProbe.Clean(_session);

    public override void Committed() => _checkpointer.AfterCommit(_session);
}
