using MailProxy.Daemon.Genro.Import;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro.Import;

/// <summary>
/// Databases without any constraint, with anything in any column. Whatever is in them, an import ends with a refusal or with counts, and a
/// daemon starts on what it has made.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class HostileDatabaseTests : ImportFixture
{
    private const int Rounds = 40,
        MostRows = 12;

    private static readonly Dictionary<string, string[]> Likely = new()
    {
        ["id"] = ["acme", "main", "m1", "m2", "default"],
        ["tenant_id"] = ["acme", "default"],
        ["account_id"] = ["main"],
        ["host"] = ["192.0.2.1", "localhost"],
        ["message_pk"] = ["k1", "k2"],
        ["message_id"] = ["m1", "m2"],
        ["pk"] = ["k1", "k2"],
        ["event_type"] = ["sent", "error", "deferred", "bounce", "pec_delivery"],
        ["name"] = ["files"],
        ["backend"] = ["local", "s3"],
        ["protocol"] = ["local", "s3"],
        ["endpoint"] = ["addMessages", "suspend"],
        ["suspended_batches"] = ["*", "a,b,,*", "one"],
        ["client_base_url"] = ["http://192.0.2.1", "https://[", "x"],
    };

    private static readonly object?[] Anything =
    [
        null,
        0L,
        1L,
        -1L,
        25L,
        1_795_000_000L,
        long.MaxValue,
        long.MinValue,
        1e300,
        -0.5,
        double.PositiveInfinity,
        "",
        " ",
        "\0",
        "a\0b",
        "\uFFFD\u202E",
        "0x10",
        "1e400",
        "ENC",
        "{}",
        "[]",
        "null",
        "{\"a\":1,\"a\":2}",
        "{\"id\":\"\\ud800\"}",
        "{\"messages\":[{},1,null]}",
        "{\"bucket\":5,\"path\":{}}",
        """{"from":"a@example.com","to":["b@example.org",5,null],"subject":"s","attachments":[{"filename":5}]}""",
        """{"from":"a@example.com","to":"b@example.org","subject":"s","priority":1e308,"retry_count":-1e308,"headers":{"A":[]}}""",
        """{"from":"a@example.com","to":"b@example.org","subject":"s","retry_count":99999999999}""",
        """{"from":"a@example.com","to":"b@example.org","subject":"s","body":null,"cc":"","bcc":[],"headers":null,"attachments":null}""",
        new byte[] { 0xC3, 0x28, 0, 0xFF },
        new string('x', 70_000),
    ];

    [TestCase(OldVersion.WithoutTenants)]
    [TestCase(OldVersion.WithoutKeys)]
    [TestCase(OldVersion.Production)]
    [TestCase(OldVersion.Generated)]
    public async Task Import_OfAnything_EndsAndLeavesAStoreThatStarts(OldVersion version)
    {
        var (imported, messages) = (0, 0L);
        for (var round = 0; round < Rounds; round++)
        {
            Make(version, new Random(round));
            try
            {
                var tally = await ImportAsync(environment: new() { ["GMP_CLIENT_SYNC_URL"] = "http://192.0.2.1/x?y#z" });
                messages += tally
                    .Counts.Where(static one => one.What.Contains("messages", StringComparison.Ordinal))
                    .Sum(static one => one.Count);
            }
            catch (ImportRefusedException error)
            {
                Assert.That(error.Message, Is.Not.Empty);
                continue;
            }

            if (imported++ % 8 == 0)
            {
                await using var daemon = await StartAsync();
                foreach (var tenant in (await daemon.GetAsync("/tenants"))["tenants"]!.AsArray())
                    await daemon.RowsAsync((string)tenant!["id"]!, "&include_history=true");
                await daemon.GetAsync("/command-log");
                await daemon.GetAsync("/instance");
            }

            Directory.Delete(Data, recursive: true);
        }

        Assert.That(imported, Is.GreaterThan(Rounds / 2));
        Assert.That(messages, Is.GreaterThan(0));
    }

    private void Make(OldVersion version, Random chance)
    {
        System.IO.File.Delete(File);
        using var old = Old(version);
        foreach (var (table, columns) in old.Tables())
        {
            old.Run($"ALTER TABLE {table} RENAME TO old_{table}; CREATE TABLE {table} AS SELECT * FROM old_{table}");
            for (var rows = chance.Next(MostRows); rows > 0; rows--)
                old.Add(table, [.. columns.Select(column => (column, Value(column, chance)))]);
        }
    }

    private static object? Value(string column, Random chance) =>
        Likely.TryGetValue(column, out var likely) && chance.Next(3) > 0
            ? likely[chance.Next(likely.Length)]
            : Anything[chance.Next(Anything.Length)];
}
