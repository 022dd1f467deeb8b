using MailProxy.Pipeline.Storage.Postgres;
using MailProxy.Tests.Support;
using Npgsql;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Postgres;

/// <summary>What is run together does what it does one by one.</summary>
internal sealed class PgPostsTests
{
    private const string Tables = """
        CREATE TABLE queue (message bigint PRIMARY KEY, lane bigint NOT NULL, note text, octets bytea);
        CREATE TABLE marks (message bigint NOT NULL, attempt bigint NOT NULL, PRIMARY KEY (message, attempt));
        CREATE TABLE recipients (message bigint NOT NULL, ordinal bigint NOT NULL, state bigint NOT NULL, PRIMARY KEY (message, ordinal));
        CREATE TABLE uses (key bigint NOT NULL, slot bigint NOT NULL, count bigint NOT NULL, PRIMARY KEY (key, slot));
        CREATE TABLE messages (number bigint PRIMARY KEY, state bigint NOT NULL);
        CREATE TABLE log (number bigint GENERATED ALWAYS AS IDENTITY, message bigint, lane bigint);
        CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.note := coalesce(NEW.note, '') || (SELECT count(*) FROM messages m WHERE m.number = NEW.message);
            RETURN NEW;
        END $$;
        CREATE TRIGGER looks BEFORE INSERT ON queue FOR EACH ROW EXECUTE FUNCTION look();
        """;

    private static readonly (string Sql, Func<Random, PgValue[]> Row)[] Statements =
    [
        (
            "INSERT INTO queue (message, lane, note, octets) VALUES ($1, $2, $3, $4) ON CONFLICT (message) DO UPDATE SET "
                + "lane = excluded.lane, note = excluded.note, octets = excluded.octets",
            static dice => [Key(dice), Number(dice), Text(dice), Octets(dice)]
        ),
        (
            "UPDATE queue SET lane = lane * 2 + $2, note = coalesce($3, note) WHERE message = $1",
            static dice => [Key(dice), Number(dice), Text(dice)]
        ),
        ("DELETE FROM queue WHERE message = $1", static dice => [Key(dice)]),
        (
            "INSERT INTO marks (message, attempt) SELECT $1, $2 FROM queue WHERE message = $1 AND lane = $3 ON CONFLICT DO NOTHING",
            static dice => [Key(dice), Key(dice), Number(dice)]
        ),
        ("DELETE FROM marks WHERE message = $1 AND attempt = $2", static dice => [Key(dice), Key(dice)]),
        ("DELETE FROM marks WHERE message = $1", static dice => [Key(dice)]),
        (
            "INSERT INTO recipients (message, ordinal, state) VALUES ($1, $2, 0) ON CONFLICT (message, ordinal) DO NOTHING",
            static dice => [Key(dice), Key(dice)]
        ),
        (
            "UPDATE recipients SET state = state * 3 + $3 WHERE message = $1 AND ordinal = $2",
            static dice => [Key(dice), Key(dice), Number(dice)]
        ),
        (
            "INSERT INTO uses (key, slot, count) VALUES ($1, $2, $3) "
                + "ON CONFLICT (key, slot) DO UPDATE SET count = uses.count + excluded.count",
            static dice => [Key(dice), Key(dice), Number(dice)]
        ),
        ("INSERT INTO messages (number, state) VALUES ($2, $1) ON CONFLICT (number) DO NOTHING", static dice => [Number(dice), Key(dice)]),
        ("UPDATE messages SET state = state * 2 + $2 WHERE number = $1", static dice => [Key(dice), Number(dice)]),
        ("DELETE FROM messages WHERE number = $1", static dice => [Key(dice)]),
        ("INSERT INTO log (message, lane) VALUES ($1, $2)", static dice => [Key(dice), Number(dice)]),
        ("INSERT INTO log (message, lane) SELECT message, lane FROM queue WHERE lane < $1", static dice => [Number(dice)]),
    ];

    private string _database = null!;
    private NpgsqlDataSource _source = null!;

    [SetUp]
    public void Make()
    {
        _database = PostgresServer.Shared.MakeDatabase();
        _source = PgServer.Source(PostgresServer.Shared.ConnectionString(_database));
    }

    [TearDown]
    public void Drop()
    {
        _source.Dispose();
        PostgresServer.Shared.DropDatabase(_database);
    }

    [Test]
    public void Flush_OfAnyStatementsInAnyOrder_DoesAndTellsWhatEachAloneWould()
    {
        using var together = Open("together");
        using var alone = Open("alone");
        var merged = 0;
        for (var seed = 0; seed < 200; seed++)
        {
            Clear(together);
            Clear(alone);
            var dice = new Random(seed);
            var (one, other) = (new List<int>(), new List<int>());
            var posts = new PgPosts();
            var count = dice.Next(2, 60);
            for (var i = 0; i < count; i++)
            {
                var (sql, make) = Statements[dice.Next(Statements.Length)];
                var row = make(dice);
                var isTold = dice.Next(4) == 0;
                var at = one.Count;
                if (isTold)
                {
                    one.Add(-1);
                    other.Add(-1);
                }

                posts.Add(sql, row, isTold ? changed => one[at] = changed : null);
                var single = new PgPosts();
                single.Add(sql, row, isTold ? changed => other[at] = changed : null);
                single.Flush(alone);
            }

            merged += posts.Count - posts.Statements;
            posts.Flush(together);

            Assert.That(one, Is.EqualTo(other), $"told, seed {seed}");
            foreach (var table in (string[])["queue", "marks", "recipients", "uses", "messages"])
                Assert.That(Rows(together, table), Is.EqualTo(Rows(alone, table)), $"{table}, seed {seed}");
            Assert.That(Log(together), Is.EqualTo(Log(alone)), $"log, seed {seed}");
        }

        Assert.That(merged, Is.GreaterThan(200));
    }

    [Test]
    public void Flush_OneOfThemFails_NothingIsLeftToRun()
    {
        using var connection = Open("one");
        var posts = new PgPosts();
        posts.Add("INSERT INTO log (message, lane) VALUES ($1, $2)", [PgValue.Of(1), PgValue.Of(1)]);
        posts.Add("INSERT INTO recipients (message, ordinal, state) VALUES ($1, $2, 0)", [PgValue.Of(1), PgValue.Null(PgKind.Number)]);
        Assert.That(() => posts.Flush(connection), Throws.InstanceOf<PostgresException>());
        Assert.That(posts.IsEmpty, Is.True);
    }

    private static PgValue Key(Random dice) => PgValue.Of(dice.Next(1, 6));

    private static PgValue Number(Random dice) => PgValue.Of(dice.Next(0, 4));

    private static PgValue Text(Random dice) => dice.Next(3) == 0 ? PgValue.Null(PgKind.Text) : PgValue.Of($"t{dice.Next(9)}");

    private static PgValue Octets(Random dice) => dice.Next(3) == 0 ? PgValue.Null(PgKind.Octets) : PgValue.Of([(byte)dice.Next(9)]);

    private NpgsqlConnection Open(string schema)
    {
        var connection = _source.OpenConnection();
        using var command = new NpgsqlCommand($"CREATE SCHEMA {schema}; SET search_path = {schema}; {Tables}", connection);
        command.ExecuteNonQuery();
        return connection;
    }

    private static void Clear(NpgsqlConnection connection)
    {
        using var command = new NpgsqlCommand("TRUNCATE queue, marks, recipients, uses, messages, log", connection);
        command.ExecuteNonQuery();
    }

    private static List<string> Rows(NpgsqlConnection connection, string table) =>
        Read(connection, $"SELECT t::text FROM {table} t ORDER BY 1");

    // Which lines follow one another is told where it matters: of one message.
    private static List<string> Log(NpgsqlConnection connection) =>
        Read(connection, "SELECT concat(message, ' ', string_agg(lane::text, ',' ORDER BY number)) FROM log GROUP BY message ORDER BY 1");

    private static List<string> Read(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
            rows.Add(reader.GetString(0));
        return rows;
    }
}
