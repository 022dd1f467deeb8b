using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Postgres;
using MailProxy.Tests.Support;
using Npgsql;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Postgres;

/// <summary>What became of a turn whose connection was lost is found out, and never guessed.</summary>
internal sealed class PgTurnsTests
{
    private string _database = null!;
    private NpgsqlDataSource _source = null!;
    private PgTurns _turns = null!;
    private long _node;

    [SetUp]
    public void Open()
    {
        _database = PostgresServer.Shared.MakeDatabase();
        _source = PgServer.Source(PostgresServer.Shared.ConnectionString(_database));
        _node = Number("INSERT INTO nodes (name, place, version, started_at) VALUES ('a', 'a', '1', 1) RETURNING session");
        _turns = new(_source.OpenConnection, _node);
    }

    [TearDown]
    public void Close()
    {
        _turns.Dispose();
        _source.Dispose();
        PostgresServer.Shared.DropDatabase(_database);
    }

    [Test]
    public void Lost_BeforeTheCommit_IsNotCommittedAndTheNextTurnIs()
    {
        Write("first");
        PostgresServer.Shared.CutOff(_database);

        Assert.That(() => _turns.Commit(), Throws.InstanceOf<NpgsqlException>());
        Assert.That(_turns.Settle(), Is.False);

        Write("second");
        _turns.Commit();
        Assert.That(Settings(), Is.EqualTo("second"));
    }

    [Test]
    public void Lost_BehindTheCommit_IsCommitted()
    {
        Write("first");
        _turns.Session.Run("COMMIT"); // as if its answer had never come
        PostgresServer.Shared.CutOff(_database);

        Assert.That(() => _turns.Commit(), Throws.InstanceOf<NpgsqlException>());
        Assert.That(_turns.Settle(), Is.True);

        Write("second");
        _turns.Commit();
        Assert.That(Settings(), Is.EqualTo("first second"));
    }

    [Test]
    public void Lost_AndTheAnswerOfTheRefusalToo_IsNotCommitted()
    {
        Write("first");
        PostgresServer.Shared.CutOff(_database);
        Assert.That(() => _turns.Commit(), Throws.InstanceOf<NpgsqlException>());
        Number($"UPDATE nodes SET turn = turn + 1, refused = turn + 1 WHERE session = {_node} RETURNING turn");

        Assert.That(_turns.Settle(), Is.False);

        Write("second");
        _turns.Commit();
        Assert.That(Settings(), Is.EqualTo("second"));
    }

    [Test]
    public void Begin_ConnectionLostWhileIdle_GoesOnWithANewOne()
    {
        Write("first");
        _turns.Commit();
        PostgresServer.Shared.CutOff(_database);

        Write("second");
        _turns.Commit();
        Assert.That(Settings(), Is.EqualTo("first second"));
    }

    [Test]
    public void Settle_ServerRefusesAndTheConnectionStays_IsNoReasonToTryAtOnce()
    {
        Write("first");
        PostgresServer.Shared.CutOff(_database);
        Assert.That(() => _turns.Commit(), Throws.InstanceOf<NpgsqlException>());
        Assert.That((_turns.Settle(), _turns.IsNew), Is.EqualTo(((bool?)false, true)));

        _turns.Begin();
        Assert.That(() => _turns.Session.Run("SELECT 1 / 0"), Throws.InstanceOf<PostgresException>());
        Assert.That((_turns.Settle(), _turns.IsNew), Is.EqualTo(((bool?)false, false)));
    }

    [Test]
    public void Begin_DeclaredDead_WritesNothing()
    {
        Number($"UPDATE nodes SET dead_at = 1 WHERE session = {_node} RETURNING session");
        Assert.That(() => _turns.Begin(), Throws.InstanceOf<NodeDeadException>());
    }

    [Test]
    public void Commit_NumbersAreThoseOfTheLastTurnOfAnyNode()
    {
        var other = new PgTurns(
            _source.OpenConnection,
            Number("INSERT INTO nodes (name, place, version, started_at) VALUES ('b', 'b', '1', 1) RETURNING session")
        );
        _turns.Begin();
        _turns.Numbers.LastEvent += 3;
        _turns.Commit();

        other.Begin();
        Assert.That((other.Numbers.LastEvent, other.Numbers.LastMessage), Is.EqualTo((3L, 0L)));
        other.Commit();
        other.Dispose();
    }

    private void Write(string name)
    {
        _turns.Begin();
        _turns.Session.Run("INSERT INTO settings (name, value) VALUES (?1, '')", name);
    }

    private string Settings()
    {
        using var connection = _source.OpenConnection();
        using var command = new NpgsqlCommand("SELECT string_agg(name, ' ' ORDER BY name) FROM settings", connection);
        return (string)command.ExecuteScalar()!;
    }

    private long Number(string sql)
    {
        using var connection = _source.OpenConnection();
        using var command = new NpgsqlCommand(sql, connection);
        return (long)command.ExecuteScalar()!;
    }
}
