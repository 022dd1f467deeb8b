using System.Text.RegularExpressions;
using MailProxy.Pipeline.Storage.Postgres;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Postgres;

/// <summary>One statement for many rows.</summary>
internal sealed partial class PgManyTests
{
    [TestCase(
        "INSERT INTO queue (message, lane, state) VALUES ($1, $2, 0)",
        "INSERT INTO queue (message, lane, state) SELECT u.p1, u.p2, 0 FROM unnest($1::bigint[], $2::text[]) AS u(p1, p2) ",
        0
    )]
    [TestCase(
        "INSERT INTO messages (number, id) VALUES ($2, $1) ON CONFLICT (id) DO NOTHING",
        "INSERT INTO messages (number, id) SELECT u.p2, u.p1 FROM unnest($1::bigint[], $2::text[]) AS u(p1, p2) "
            + "ON CONFLICT (id) DO NOTHING",
        1
    )]
    [TestCase(
        "UPDATE recipients SET state = $2, rounds = coalesce($2, rounds) WHERE message = $1",
        "UPDATE recipients SET state = u.p2, rounds = coalesce(u.p2, rounds) FROM unnest($1::bigint[], $2::text[]) AS u(p1, p2) "
            + "WHERE message = u.p1",
        0
    )]
    [TestCase(
        "DELETE FROM marks WHERE lane = $2 AND message = $1",
        "DELETE FROM marks USING unnest($1::bigint[], $2::text[]) AS u(p1, p2) WHERE lane = u.p2 AND message = u.p1",
        0
    )]
    [TestCase(
        "INSERT INTO marks (lane, message)\n  SELECT $2, $1 FROM queue\n  WHERE message = $1 AND state = 0\n  ON CONFLICT DO NOTHING\n",
        "INSERT INTO marks (lane, message) SELECT u.p2, u.p1 FROM queue, unnest($1::bigint[], $2::text[]) AS u(p1, p2) "
            + "WHERE message = u.p1 AND state = 0 ON CONFLICT DO NOTHING",
        0
    )]
    public void Text_OfAFormThatIsUnderstood_DoesItForEachRow(string sql, string many, int key)
    {
        var read = PgMany.Of(sql);

        Assert.That(read.IsUnderstood, Is.True);
        Assert.That(read.Text("nt", isTold: false), Is.EqualTo(many));
        Assert.That(read.Text("nt", isTold: true), Is.EqualTo($"{many} RETURNING {read.KeyColumn}"));
        Assert.That(read.Key, Is.EqualTo(key));
    }

    [TestCase("INSERT INTO a (b) VALUES (max($1, 2))")]
    [TestCase("INSERT INTO a (b) VALUES ($1) ON CONFLICT (b) DO UPDATE SET c = $1")]
    [TestCase("INSERT INTO a (b) VALUES ($1) RETURNING b")]
    [TestCase("INSERT INTO a (b, c) VALUES ($1)")]
    [TestCase("INSERT INTO a (b) SELECT $1 FROM c WHERE d IN (SELECT 1)")]
    [TestCase("INSERT INTO a (b) VALUES (1) ON CONFLICT (b) DO UPDATE SET c = excluded.c")]
    [TestCase("UPDATE a SET b = (SELECT 1) WHERE c = $1")]
    [TestCase("UPDATE a SET b = 1 WHERE c = $1 OR d = 2")]
    [TestCase("UPDATE a SET b = $1 WHERE c > $2")]
    [TestCase("UPDATE a SET b = $1")]
    [TestCase("UPDATE a SET b = 1 WHERE c = $1 RETURNING b")]
    [TestCase("DELETE FROM a WHERE (b, c) IN (SELECT b, c FROM a LIMIT $1)")]
    [TestCase("SELECT 1")]
    [TestCase("COMMIT")]
    public void Of_AnyOtherForm_IsNotUnderstood(string sql) => Assert.That(PgMany.Of(sql).IsUnderstood, Is.False);

    [Test]
    public void Question_IsAskedForEachRow()
    {
        Assert.That(
            PgMany.Question("SELECT a FROM b WHERE c = $1", "n"),
            Is.EqualTo(
                "SELECT u.row, x.* FROM unnest($1::bigint[]) WITH ORDINALITY AS u(p1, row) CROSS JOIN LATERAL "
                    + "(SELECT a FROM b WHERE c = u.p1 LIMIT 1) AS x"
            )
        );
        Assert.That(PgMany.Question("SELECT a FROM b WHERE c = $1", "n", isOne: false), Does.EndWith("WHERE c = u.p1) AS x"));
        Assert.That(
            PgMany.Question("DELETE FROM b WHERE c = $1 RETURNING a", "o"),
            Is.EqualTo("DELETE FROM b USING unnest($1::bytea[]) WITH ORDINALITY AS u(p1, row) WHERE c = u.p1 RETURNING u.row, a")
        );
    }

    /// <summary>What is run together must not pass what a trigger looks at.</summary>
    [Test]
    public void Tables_OfEveryTableWithATrigger_AreThoseOfTheTriggerToo()
    {
        var schema = string.Concat(
            Directory
                .EnumerateFiles(Path.Combine(Repository.Root, "MailProxy.Pipeline", "Storage", "Postgres", "Migrations"), "*.sql")
                .Order(StringComparer.Ordinal)
                .Select(File.ReadAllText)
        );
        var bodies = Functions().Matches(schema).ToDictionary(static match => match.Groups[1].Value, static match => match.Groups[2].Value);
        var triggers = Triggers().Matches(schema);
        Assert.That(triggers, Has.Count.EqualTo(schema.Split("CREATE TRIGGER ").Length - 1));
        foreach (var trigger in triggers.Cast<Match>())
        {
            var table = trigger.Groups[1].Value;
            var known = PgMany.Of(string.Concat("DELETE FROM ", table, " WHERE message = $1")).Tables;
            Assert.That(known, Is.SupersetOf(PgMany.TablesIn(bodies[trigger.Groups[2].Value]).Distinct()), table);
        }
    }

    [GeneratedRegex(@"CREATE FUNCTION (\w+)\(\) RETURNS trigger[^$]*\$\$([^$]*)\$\$")]
    private static partial Regex Functions();

    [GeneratedRegex(@"CREATE TRIGGER \w+ [^;]*? ON (\w+) [^;]*?EXECUTE FUNCTION (\w+)\(\)")]
    private static partial Regex Triggers();
}
