using System.Data;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Sql;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// The turns of this node. The writers of all nodes take turns by the lock of one row, so that numbers rise with the commits and nobody
/// changes what another one looks at. Each turn of a node has its number, which its transaction raises by one: whoever lost the connection
/// learns from it whether the turn was committed, and a node that was declared dead commits nothing any more.
/// </summary>
internal sealed class PgTurns : TurnConnection, IDisposable
{
    private const string Fence = """
        WITH mine AS (UPDATE nodes SET turn = turn + 1 WHERE session = $1 AND turn = $2 AND dead_at IS NULL RETURNING 1)
        SELECT last_event, last_message FROM turns WHERE EXISTS (SELECT 1 FROM mine) FOR UPDATE OF turns
        """;

    private const string Keep = "UPDATE turns SET last_event = $1, last_message = $2";

    // Asked for by another connection: once it is granted, the turn that was lost can never be committed.
    private const string Refuse = "UPDATE nodes SET turn = turn + 1, refused = turn + 1 WHERE session = $1 AND turn = $2";

    // A commit behind it: what it returned after is with the replicas that are waited for. An earlier try may have refused the turn.
    private const string Present = "UPDATE nodes SET turn = turn WHERE session = $1 RETURNING turn, turn = refused";

    // The connection's process on the server may wait there, with its locks.
    private const string EndLost =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND pid <> pg_backend_pid() AND usename = current_user AND "
        + "application_name = current_setting('application_name')";

    // A plan outlives what was known when it was made: a table that was small then would be read as a whole in each turn.
    private const string ByIndex = "SET enable_seqscan = off";

    private readonly Func<NpgsqlConnection> _open;
    private readonly long _node;
    private readonly PgSession _session;
    private int _backend; // the server's process of the connection
    private long _turn; // of this node, committed
    private (long Event, long Message) _kept;
    private bool _isOpen,
        _isNew; // the connection, since the last settling

    /// <param name="node">This node's session.</param>
    public PgTurns(Func<NpgsqlConnection> open, long node)
    {
        (_open, _node) = (() => Prepared(open()), node);
        _session = new(_open());
        _backend = BackendOf(_session.Connection);
    }

    public override Session Session => _session;

    public override void Begin()
    {
        if (_session.Connection.State != ConnectionState.Open && Resolve() is not false)
            throw new NpgsqlException("the connection to the database is lost");
        try
        {
            BeginOnce();
        }
        catch (NpgsqlException error) when (error is not PostgresException { SqlState: not "57P01" })
        {
            // The connection was lost while nobody used it, and nothing of this turn was written.
            if (Resolve() is not false)
                throw;
            BeginOnce();
        }
    }

    public override void Commit()
    {
        // The COMMIT of a transaction that has failed is no error; any statement before it is.
        if (_kept == (Numbers.LastEvent, Numbers.LastMessage))
            _session.Post("SELECT 1", []);
        else
            _session.Post(Keep, [PgValue.Of(Numbers.LastEvent), PgValue.Of(Numbers.LastMessage)]);
        _session.Post("COMMIT", []);
        _session.Flush();
        _isOpen = false;
        _turn++;
    }

    public override bool? Settle()
    {
        _session.Drop();
        _isNew = false;
        if (_session.Connection.State == ConnectionState.Open && TryRollBack())
            return false;
        return Resolve();
    }

    public override string? Trouble(Exception error) => PgTrouble.Describe(error);

    public override bool IsNew => _isNew;

    public override void Probe()
    {
        // A turn writes its number in any case.
    }

    public override void EndProbe() { }

    public override void Committed() { }

    /// <summary>The node ends in an orderly way: nobody has to wait until it is found dead, or for the next beat. What cannot be told is
    /// found out.</summary>
    public void Leave(long now)
    {
        if (_isOpen || _session.Connection.State != ConnectionState.Open)
            return;
        try
        {
            _session.Run("UPDATE nodes SET dead_at = ?2 WHERE session = ?1 AND dead_at IS NULL", _node, now);
            _session.Query(PgSignals.Notify, static _ => 0, PgSignals.Channel, PgSignals.LookOf(_node));
        }
        catch (NpgsqlException)
        {
            // The next start under this name says so.
        }
    }

    public void Dispose() => _session.Dispose();

    private static NpgsqlConnection Prepared(NpgsqlConnection connection)
    {
        try
        {
            using var command = new NpgsqlCommand(ByIndex, connection);
            command.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // A pooler in between tells the client another number.
    private static int BackendOf(NpgsqlConnection connection)
    {
        using var command = new NpgsqlCommand("SELECT pg_backend_pid()", connection);
        return (int)command.ExecuteScalar()!;
    }

    private void BeginOnce()
    {
        using var batch = new NpgsqlBatch(_session.Connection);
        batch.BatchCommands.Add(new("BEGIN"));
        batch.BatchCommands.Add(Command(Fence, _node, _turn));
        _isOpen = true;
        using var reader = batch.ExecuteReader();
        if (!reader.Read())
            throw Dead();
        Numbers.StartAt(reader.GetInt64(0), reader.GetInt64(1));
        _kept = (Numbers.LastEvent, Numbers.LastMessage);
    }

    // Its transaction is let go at once: others may wait for its locks, and this process takes a while to end.
    private NodeDeadException Dead()
    {
        _session.Connection.Close();
        return new();
    }

    // The server has refused something, so that nothing of the transaction is left, its COMMIT included.
    private bool TryRollBack()
    {
        if (!_isOpen)
            return true;
        try
        {
            using var command = new NpgsqlCommand("ROLLBACK", _session.Connection);
            command.ExecuteNonQuery();
            _isOpen = false;
            return true;
        }
        catch (NpgsqlException)
        {
            return false; // the connection is lost too
        }
    }

    private bool? Resolve()
    {
        try
        {
            var connection = _open();
            try
            {
                var isCommitted = IsCommitted(connection, _backend);
                _session.Use(connection);
                _backend = BackendOf(connection);
                (_isOpen, _isNew) = (false, true);
                _turn++;
                return isCommitted;
            }
            catch
            {
                connection.Dispose();
                throw;
            }
        }
        catch (Exception error) when (PgTrouble.Describe(error) is not null)
        {
            return null;
        }
    }

    private bool IsCommitted(NpgsqlConnection connection, int lost)
    {
        using (var end = new NpgsqlCommand(EndLost, connection))
        {
            end.Parameters.Add(new NpgsqlParameter<int> { TypedValue = lost });
            end.ExecuteNonQuery();
        }

        using var refuse = new NpgsqlCommand(Refuse, connection);
        Add(refuse.Parameters, _node, _turn);
        if (refuse.ExecuteNonQuery() == 1)
            return false;

        using var present = new NpgsqlCommand(Present, connection);
        Add(present.Parameters, _node);
        using var row = present.ExecuteReader();
        return row.Read() && row.GetInt64(0) == _turn + 1 ? !row.GetBoolean(1) : throw Dead();
    }

    private static NpgsqlBatchCommand Command(string sql, params ReadOnlySpan<long> values)
    {
        var command = new NpgsqlBatchCommand(sql);
        Add(command.Parameters, values);
        return command;
    }

    private static void Add(NpgsqlParameterCollection to, params ReadOnlySpan<long> values)
    {
        foreach (var value in values)
            to.Add(new NpgsqlParameter<long> { TypedValue = value });
    }
}
