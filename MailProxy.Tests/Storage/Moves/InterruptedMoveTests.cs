using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Moves;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Moves;

/// <summary>A move that ends before its end has moved nothing, and may be made again.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class InterruptedMoveTests
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

    [TestCase("rows copied", 20)]
    [TestCase("rows copied", 100)]
    [TestCase("bodies beyond 256 KB", 1)]
    [TestCase("rows compared", 60)]
    public void Run_CancelledInTheMiddle_LeavesTheTargetEmpty(string what, long done)
    {
        var before = _bench.Dump("a");
        Cancelled(_bench.Sqlite("a"), _bench.Postgres, what, done);

        foreach (var table in (string[])["messages", "tenants WHERE id <> 'default'", "audit", "large_bodies", "suppressing_tenants"])
            Assert.That(_bench.InPostgres($"SELECT count(*) FROM {table}"), Is.EqualTo(0), table);
        Assert.That(_bench.InPostgres("SELECT last_message FROM turns"), Is.EqualTo(0));
        Assert.That(_bench.InPostgres("SELECT pg_sequence_last_value('audit_number_seq')"), Is.EqualTo(DBNull.Value));
        Assert.That(_bench.InPostgres("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'O'"), Is.EqualTo(0));
        Assert.That(File.Exists(Path.Combine(_bench.At("a"), MovedNote.FileName)), Is.False);

        _bench.Move(_bench.Sqlite("a"), _bench.Postgres);
        Cancelled(_bench.Postgres, _bench.Sqlite("b"), what, done);
        Assert.That(
            Directory.EnumerateFiles(_bench.At("b"), "*", SearchOption.AllDirectories).Select(Path.GetFileName),
            Is.EqualTo(new[] { "lock" })
        );
        _bench.Move(_bench.Postgres, _bench.Sqlite("b"));
        Assert.That(_bench.Dump("b"), Is.EqualTo(before));
    }

    [Test]
    public void Run_ConnectionCutInTheMiddle_LeavesBothAsTheyWere()
    {
        var before = _bench.Dump("a");
        Assert.That(
            () =>
                _bench.Move(
                    _bench.Sqlite("a"),
                    _bench.Postgres,
                    progress =>
                    {
                        if (progress.Done > 50)
                            _bench.InPostgres(
                                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'mailproxy%'"
                                    + " AND datname = current_database()"
                            );
                    }
                ),
            Throws.InstanceOf<Npgsql.NpgsqlException>()
        );
        Assert.That(_bench.InPostgres("SELECT count(*) FROM messages"), Is.EqualTo(0));
        Assert.That(_bench.Dump("a"), Is.EqualTo(before));
        _bench.Move(_bench.Sqlite("a"), _bench.Postgres);
    }

    [Test]
    public void Run_TargetThatIsNotWhatWasWritten_IsRefused()
    {
        // A rule that is somebody's own.
        Cancelled(_bench.Sqlite("a"), _bench.Postgres, "rows copied", 20);
        _bench.InPostgres("CREATE RULE spoil AS ON UPDATE TO turns DO ALSO UPDATE mailproxy.audit SET actor = 'spoiled'");
        Assert.That(
            () => _bench.Move(_bench.Sqlite("a"), _bench.Postgres),
            Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("'audit' was not copied as it is: 3 rows")
        );
        Assert.That(_bench.InPostgres("SELECT count(*) FROM messages"), Is.EqualTo(0));
    }

    [Test]
    public void Run_NameIsTakenWhenItIsWhole_TakesTheNoteAway()
    {
        _bench.Move(_bench.Sqlite("a"), _bench.Postgres);
        Assert.That(
            () =>
                _bench.Move(
                    _bench.Postgres,
                    _bench.Sqlite("b"),
                    _ => Directory.CreateDirectory(Path.Combine(_bench.At("b"), "mailproxy.db"))
                ),
            Throws.InstanceOf<IOException>()
        );
        Assert.That(_bench.InPostgres("SELECT count(*) FROM settings WHERE name = 'store.moved'"), Is.EqualTo(0));
        Assert.That(Directory.EnumerateFiles(Path.Combine(_bench.At("b"), "spool")), Is.Empty);
        _bench.Move(_bench.Postgres, _bench.Sqlite("c"));
    }

    [TestCase("RAISE EXCEPTION 'no'", false)]
    [TestCase("PERFORM pg_terminate_backend(pg_backend_pid())", true)]
    public void Run_CommitFails_KeepsTheNoteOnlyWhenNobodyKnows(string how, bool isUnknown)
    {
        Cancelled(_bench.Sqlite("a"), _bench.Postgres, "rows copied", 20);
        _bench.InPostgres(
            $"""
            CREATE TABLE public.bomb (a int);
            CREATE FUNCTION public.bomb() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {how}; RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER bomb AFTER INSERT ON public.bomb DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION public.bomb();
            CREATE RULE bomb AS ON UPDATE TO turns DO ALSO INSERT INTO public.bomb VALUES (1)
            """
        );
        var error = Assert.Catch(() => _bench.Move(_bench.Sqlite("a"), _bench.Postgres))!;
        Assert.That(error, isUnknown ? Is.InstanceOf<StoreUnavailableException>() : Is.InstanceOf<Npgsql.PostgresException>());
        Assert.That(File.Exists(Path.Combine(_bench.At("a"), MovedNote.FileName)), Is.EqualTo(isUnknown));
        if (isUnknown)
            Assert.That(
                error.Message,
                Does.Contain("nobody knows whether the store was moved").And.Contain("store.moved', and move it again.")
            );
        Assert.That(_bench.InPostgres("SELECT count(*) FROM messages"), Is.EqualTo(0));
    }

    private void Cancelled(MovePlace from, MovePlace to, string what, long done)
    {
        using var stop = new CancellationTokenSource();
        Assert.That(
            () =>
                _bench.Move(
                    from,
                    to,
                    progress =>
                    {
                        if (progress.What == what && progress.Done >= done)
                            stop.Cancel();
                    },
                    stop.Token
                ),
            Throws.InstanceOf<OperationCanceledException>()
        );
    }
}
