using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Moves;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Moves;

/// <summary>A store that is moved to PostgreSQL and back is the store that it was.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class StoreMoveTests
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
    public void Run_ThereAndBack_EveryTableIsTheSame()
    {
        var before = _bench.Dump("a");
        var there = _bench.Move(_bench.Sqlite("a"), _bench.Postgres);
        var back = _bench.Move(_bench.Postgres, _bench.Sqlite("b"));

        Assert.That(_bench.Dump("b"), Is.EqualTo(before));
        Assert.That(back.Tables, Is.EqualTo(there.Tables));
        Assert.That(back.Bodies, Is.EqualTo(there.Bodies));
        Assert.That((there.Bodies.Rows, there.BodyBytes), Is.EqualTo((2L, (long)MoveBench.Bodies.Sum(static body => body.Size))));
        Assert.That((there.ReplacedTexts, there.Lost), Is.EqualTo((0L, Array.Empty<string>())));
        Assert.That(there.Tables.Where(static table => table.Rows == 0), Is.Empty, "every table had rows");
        Assert.That(there.Tables.Select(static table => table.Sha256), Has.All.Length.EqualTo(64));
    }

    [Test]
    public void Tables_OfBothDatabases_AreMovedOrNamedAsOneDatabasesOwn()
    {
        _bench.Move(_bench.Sqlite("a"), _bench.Postgres);
        using var store = _bench.OpenSqlite("a");
        using var connection = _bench.OpenPostgres();
        using var command = new Npgsql.NpgsqlCommand(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'mailproxy'::regnamespace",
            connection
        );
        using var reader = command.ExecuteReader();
        var there = new List<string>();
        while (reader.Read())
            there.Add(reader.GetString(0));
        Assert.That(there.Except(PgSide.OwnTables), Is.EquivalentTo(MoveBench.TablesOf(store)));
        Assert.That(PgSide.OwnTables.Except(there), Is.Empty);
    }

    [Test]
    public void Run_ToPostgres_NumbersGoOnAndTriggersWorkAgain()
    {
        _bench.Move(_bench.Sqlite("a"), _bench.Postgres);

        Assert.That(_bench.InPostgres("SELECT last_message FROM turns"), Is.EqualTo(1103));
        Assert.That(_bench.InPostgres("SELECT last_event FROM turns"), Is.EqualTo(1103));
        Assert.That(_bench.InPostgres("SELECT last FROM given_numbers WHERE name = 'audit'"), Is.EqualTo(1103));
        const string audit = "INSERT INTO audit (at, actor, action, object) VALUES (1, '', '', '') RETURNING number";
        Assert.That(_bench.InPostgres(audit), Is.EqualTo(1104));
        Assert.That(_bench.InPostgres("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'O'"), Is.EqualTo(0));
        Assert.That(_bench.InPostgres("SELECT count(*) FROM queue WHERE state = 0"), Is.EqualTo(3), "as they were");
        Assert.That(_bench.InPostgres("SELECT count(*) FROM suppressing_tenants"), Is.EqualTo(3));
        Assert.That(_bench.InPostgres("SELECT count(*) FROM settings WHERE name LIKE 'store.%'"), Is.EqualTo(0));
        Assert.That(
            _bench.InPostgres("SELECT string_agg(part || ':' || length(octets), ' ' ORDER BY part) FROM large_bodies WHERE name = 'aaaa'"),
            Is.EqualTo("0:262144 1:262144 2:75713")
        );
        Assert.That(_bench.InPostgres("SELECT size FROM large_body_names WHERE name = 'aaaa'"), Is.EqualTo(600_001));
    }

    [Test]
    public void Run_TextWithNul_StandsThereWithItsReplacement()
    {
        _bench.InSqlite("a", "UPDATE messages SET subject = 'a' || char(0) || 'b' WHERE number = 1001");
        Assert.That(_bench.Move(_bench.Sqlite("a"), _bench.Postgres).ReplacedTexts, Is.EqualTo(1));
        Assert.That(_bench.InPostgres("SELECT subject FROM messages WHERE number = 1001"), Is.EqualTo("a\uFFFDb"));
    }

    [Test]
    public void Run_MoreRowsThanAreToldAtOnce_TellsHowFarItIs()
    {
        _bench.InSqlite(
            "a",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
                + "INSERT INTO destination_uses SELECT i, 'x', 1, 1, 1 FROM n"
        );
        var told = new List<MoveProgress>();
        _bench.Move(_bench.Sqlite("a"), _bench.Postgres, told.Add);
        Assert.That(
            told.Select(static one => one.What).Distinct(),
            Is.EqualTo(new[] { "rows copied", "bodies beyond 256 KB", "rows compared" })
        );
        Assert.That(told.Where(static one => one.What == "rows copied" && one.Done % 4096 == 0 && one.Done > 0).Count(), Is.EqualTo(2));
        Assert.That(told.FindLast(static one => one.What == "rows compared"), Has.Property("Done").EqualTo(told[0].Of));
    }

    [Test]
    public void Try_BothWays_CountsAndWritesNothing()
    {
        var trial = MoveBench.Make(_bench.Sqlite("a"), _bench.Postgres).Try();
        Assert.That(_bench.InPostgres("SELECT to_regnamespace('mailproxy')::text"), Is.EqualTo(DBNull.Value));
        var there = _bench.Move(_bench.Sqlite("a"), _bench.Postgres);
        Assert.That(trial.Tables.Select(Counted), Is.EqualTo(there.Tables.SkipLast(1).Select(Counted)));
        Assert.That(trial.Bodies.Rows, Is.EqualTo(2));

        var back = MoveBench.Make(_bench.Postgres, _bench.Sqlite("b")).Try();
        Assert.That(back.Tables.Select(Counted), Is.EqualTo(trial.Tables.Select(Counted)));
        Assert.That(Directory.Exists(_bench.At("b")), Is.False);

        static (string, long) Counted(MovedTable table) => (table.Name, table.Rows);
    }

    [Test]
    public void Try_OlderSchema_LeavesItAsItIsAndSaysSo()
    {
        _bench.InSqlite("a", "DROP TABLE page_keys; PRAGMA user_version = 37");
        Assert.That(MoveBench.Make(_bench.Sqlite("a"), _bench.Postgres).Try().Older, Is.EqualTo(37));
        Assert.That(_bench.Dump("a"), Does.Not.Contain("page_keys"));

        _bench.Move(_bench.Sqlite("a"), _bench.Postgres);
        Assert.That(_bench.InPostgres("SELECT count(*) FROM page_keys"), Is.EqualTo(0));
    }

    [Test]
    public void Run_BodyThatIsLost_IsRefusedUnlessItIsAllowed()
    {
        File.Delete(Path.Combine(_bench.At("a"), "spool", "aaaa"));
        Assert.That(
            () => _bench.Move(_bench.Sqlite("a"), _bench.Postgres),
            Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("aaaa").And.Message.Contains("--allow-lost-bodies")
        );
        var result = MoveBench.Make(_bench.Sqlite("a"), _bench.Postgres, allowLost: true).Run(static _ => { }, default);
        Assert.That((result.Lost, result.Bodies.Rows), Is.EqualTo((new[] { "aaaa" }, 1L)));
    }

    [Test]
    public void Run_FromPostgresWithBodiesOnlyInTheSpool_TakesThemFromThere()
    {
        _bench.Move(_bench.Sqlite("a"), _bench.Postgres);
        _bench.InPostgres("DELETE FROM large_bodies; DELETE FROM large_body_names");
        Assert.That(
            () => _bench.Move(_bench.Postgres, _bench.Sqlite("b")),
            Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("2 bodies beyond 256 KB are not in the database")
        );
        Directory.CreateDirectory(_bench.At("b"));
        Directory.Move(Path.Combine(_bench.At("a"), "spool"), Path.Combine(_bench.At("b"), "spool"));
        Assert.That(_bench.Move(_bench.Postgres, _bench.Sqlite("b")).Bodies.Rows, Is.EqualTo(2));
    }
}
