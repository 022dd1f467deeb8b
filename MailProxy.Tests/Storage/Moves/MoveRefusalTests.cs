using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Moves;
using MailProxy.Pipeline.Storage.Postgres;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using Prometheus;

namespace MailProxy.Tests.Storage.Moves;

/// <summary>What keeps a store from being moved, and a store that was moved from being used: each in one line with the remedy.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class MoveRefusalTests
{
    private MoveBench _bench = null!;

    [SetUp]
    public void Make()
    {
        _bench = new();
        _bench.MakeStore("a");
    }

    [TearDown]
    public void Drop() => _bench.Dispose();

    [Test]
    public void FromSqlite_InUse()
    {
        using (DataLock.Take(_bench.At("a")))
            Refused(_bench.Sqlite("a"), _bench.Postgres, "is in use by another process", "Stop that one first");
    }

    [Test]
    public void FromSqlite_NoStore() => Refused(_bench.Sqlite("none"), _bench.Postgres, "--from: there is no store in", "none");

    [Test]
    public void FromSqlite_Killed()
    {
        _bench.InSqlite("a", "INSERT INTO flight VALUES (1, zeroblob(16), 0)");
        Refused(_bench.Sqlite("a"), _bench.Postgres, "did not end in an orderly way", "Start it once");
        _bench.InSqlite("a", "UPDATE flight SET clean = 1; UPDATE queue SET state = 1");
        Refused(_bench.Sqlite("a"), _bench.Postgres, "did not end in an orderly way", "Start it once");
    }

    [Test]
    public void FromSqlite_NewerSchema()
    {
        _bench.InSqlite("a", "PRAGMA user_version = 999");
        Refused(_bench.Sqlite("a"), _bench.Postgres, "was written by a newer program (schema 999");
    }

    [Test]
    public void FromSqlite_HalfRestored()
    {
        Directory.CreateDirectory(Path.Combine(_bench.At("a"), "restore.partial"));
        Refused(_bench.Sqlite("a"), _bench.Postgres, "was interrupted. Run it again");
    }

    [Test]
    public void ToPostgres_Filled()
    {
        _bench.MakeStore("b");
        _bench.Move(_bench.Sqlite("a"), _bench.Postgres);
        Refused(_bench.Sqlite("b"), _bench.Postgres, "has a store already (rows in account_circuits,", "DROP SCHEMA mailproxy CASCADE");
    }

    [Test]
    public void ToPostgres_AnotherProgramsSchema()
    {
        _bench.InPostgres("CREATE SCHEMA mailproxy; CREATE TABLE mailproxy.theirs (a int)");
        Refused(_bench.Sqlite("a"), _bench.Postgres, "has tables of another program", "a database of its own");
    }

    [Test]
    public void ToPostgres_NewerSchema()
    {
        _bench.InPostgres(
            "CREATE SCHEMA mailproxy; CREATE TABLE mailproxy.schema_version (version bigint, min_program bigint); "
                + "INSERT INTO mailproxy.schema_version VALUES (999, 1)"
        );
        Refused(_bench.Sqlite("a"), _bench.Postgres, "is of a newer program (version 999");
    }

    [Test]
    public void ToPostgres_NotReachable() =>
        Refused(
            _bench.Sqlite("a"),
            new($"Host=127.0.0.1;Port={FreePort.Take()};Username=x;Database=x", IsPostgres: true, "--to"),
            "PostgreSQL cannot be reached",
            "--to names the server"
        );

    [Test]
    public void ToPostgres_NoConnectionString() =>
        Refused(_bench.Sqlite("a"), new("Nonsense=1", IsPostgres: true, "--to"), "--to cannot be read", "nonsense");

    [Test]
    public void Postgres_ADaemonIsConnected()
    {
        using (_bench.OpenPostgres("Application Name=mailproxy 7"))
            Refused(_bench.Sqlite("a"), _bench.Postgres, "--to: a daemon is connected to the database", "Stop every node");
        _bench.Move(_bench.Sqlite("a"), _bench.Postgres);
        using (_bench.OpenPostgres("Application Name=mailproxy 7"))
            Refused(_bench.Postgres, _bench.Sqlite("b"), "a daemon is connected to the database", "Stop every node");
    }

    [Test]
    public void FromPostgres_NodeThatDidNotEnd()
    {
        _bench.Move(_bench.Sqlite("a"), _bench.Postgres);
        _bench.InPostgres("INSERT INTO nodes (name, place, version, started_at) VALUES ('n', '', '', 1)");
        Refused(_bench.Postgres, _bench.Sqlite("b"), "(1 did not,", "Start one node once");
        _bench.InPostgres("UPDATE nodes SET dead_at = 2; INSERT INTO marks SELECT 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1");
        Refused(_bench.Postgres, _bench.Sqlite("b"), "1 messages may have been on their way", "Start one node once");
    }

    [Test]
    public void FromPostgres_NoStore() => Refused(_bench.Postgres, _bench.Sqlite("b"), "there is no store in the database");

    [Test]
    public void ToSqlite_Filled()
    {
        _bench.Move(_bench.Sqlite("a"), _bench.Postgres);
        Refused(_bench.Postgres, _bench.Sqlite("a"), "There is a store in", "mkdir -m 700", "store.moved");
    }

    [Test]
    public void SameKind()
    {
        Refused(_bench.Sqlite("a"), _bench.Sqlite("b"), "are both data directories", "backup and restore");
        Refused(_bench.Postgres, _bench.Postgres, "are both PostgreSQL databases", "pg_dump");
    }

    [Test]
    public void Moved_IsNotStartedAndNotMovedAgain()
    {
        _bench.Move(_bench.Sqlite("a"), _bench.Postgres);
        Refused(_bench.Sqlite("a"), _bench.Postgres, "was moved to PostgreSQL (127.0.0.1:", "Start with that one");
        var (host, note) = (Environment.MachineName, Path.Combine(_bench.At("a"), MovedNote.FileName));
        Assert.That(
            () => SqliteDatabase.Open(_bench.At("a"), new PipelineHealth(), new(Metrics.NewCustomRegistry()), NullLogger.Instance),
            Throws
                .InstanceOf<StoreRefusedException>()
                .With.Message.Contains("was moved to PostgreSQL (127.0.0.1:")
                .And.Message.Contains("mail would be sent from both")
                .And.Message.EndsWith($"rm {note}")
        );

        _bench.Move(_bench.Postgres, _bench.Sqlite("b"));
        Refused(_bench.Postgres, _bench.Sqlite("c"), $"was moved to the data directory '{_bench.At("b")}' of {host}", "DELETE FROM");
        Assert.That(
            () =>
                PgDatabase.Open(
                    new(_bench.Connection, _bench.At("a"), "1"),
                    new PipelineHealth(),
                    new(Metrics.NewCustomRegistry()),
                    TimeProvider.System,
                    NullLogger.Instance
                ),
            Throws.InstanceOf<StoreRefusedException>().With.Message.Contains($"was moved to the data directory '{_bench.At("b")}'")
        );

        using (SqliteDatabase.Open(_bench.At("b"), new PipelineHealth(), new(Metrics.NewCustomRegistry()), NullLogger.Instance)) { }
        File.Delete(note);
        using (SqliteDatabase.Open(_bench.At("a"), new PipelineHealth(), new(Metrics.NewCustomRegistry()), NullLogger.Instance)) { }
    }

    private void Refused(MovePlace from, MovePlace to, params string[] says)
    {
        foreach (var act in (Action[])[() => MoveBench.Make(from, to).Try(), () => _bench.Move(from, to)])
        {
            var error = Assert.Catch<StoreRefusedException>(act.Invoke)!;
            foreach (var text in says)
                Assert.That(error.Message, Does.Contain(text));
            Assert.That(error.Message, Does.Not.Contain("\n"));
        }
    }
}
