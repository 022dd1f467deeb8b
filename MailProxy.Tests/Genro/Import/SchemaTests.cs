using MailProxy.Daemon.Genro.Import;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro.Import;

/// <summary>Which databases are read, and what is said of others.</summary>
[TestFixture]
internal sealed class SchemaTests : ImportFixture
{
    [TestCase(OldVersion.WithoutTenants, "before 0.6")]
    [TestCase(OldVersion.WithoutKeys, "0.6.0 or 0.6.1")]
    [TestCase(OldVersion.Production, "0.6.2 to 0.7.7")]
    [TestCase(OldVersion.Generated, "0.7.0 (generated routes)")]
    public void Of_EachVersion_IsRecognised(OldVersion version, string name)
    {
        Old(version).Dispose();
        using var old = ForeignDatabase.Open(File);
        Assert.That(OldSchema.Of(old).Version, Is.EqualTo(name));
    }

    [TestCase("DROP TABLE messages", "there is no messages.id in it")]
    [TestCase("DROP TABLE accounts", "there is no accounts.id in it")]
    [TestCase("DROP TABLE message_events", "there is no message_events.message_pk in it")]
    [TestCase("DROP TABLE tenants", "it has no tenants")]
    [TestCase("ALTER TABLE messages DROP COLUMN smtp_ts", "neither sent_ts nor smtp_ts")]
    [TestCase("ALTER TABLE messages DROP COLUMN payload", "there is no messages.payload in it")]
    [TestCase("PRAGMA user_version = 8", "its schema has the version 8")]
    [TestCase("ALTER TABLE accounts RENAME TO a; CREATE VIEW accounts AS SELECT * FROM a", "there is no accounts.id in it")]
    public async Task Import_OfAnUnknownSchema_SaysWhatIsMissing(string sql, string why)
    {
        using (var old = Old())
            old.Run(sql);
        Assert.That(await RefusedAsync(), Does.Contain(why).And.Contain("0.7.7"));
        Assert.That(Directory.Exists(Data), Is.False);
    }

    [Test]
    public async Task Import_OfNoDatabase_SaysSo()
    {
        Assert.That(await RefusedAsync(), Does.StartWith("There is no file"));
        await System.IO.File.WriteAllTextAsync(File, "not a database, but long enough for a header");
        Assert.That(await RefusedAsync(), Does.Contain("is no SQLite database"));
        await System.IO.File.WriteAllTextAsync(File, "");
        Assert.That(await RefusedAsync(), Does.Contain("is no SQLite database"));
        System.IO.File.Delete(File);
        Directory.CreateDirectory(File);
        Assert.That(await RefusedAsync(), Does.Contain("is a directory"));
    }

    [Test]
    public async Task Import_OfADamagedDatabase_SaysWhatToDoAndWritesNothing()
    {
        using (var old = Old())
        {
            AddBoth(old);
            for (var n = 0; n < 300; n++)
                AddMessage(old, $"m{n}", null, ("batch_code", new string('x', 500)));
        }

        // From the middle on: the schema is whole, and the rows are not.
        var bytes = await System.IO.File.ReadAllBytesAsync(File);
        bytes.AsSpan(bytes.Length / 2).Fill(0xA5);
        await System.IO.File.WriteAllBytesAsync(File, bytes);
        Assert.That(await RefusedAsync(), Does.Contain("is damaged").And.Contain(".recover"));
        await using var daemon = await StartAsync();
        Assert.That((await daemon.GetAsync("/tenants"))["tenants"]!.AsArray(), Has.Count.EqualTo(1), "default only");
    }

    [Test]
    public async Task Import_OfATruncatedDatabase_SaysWhatToDo()
    {
        using (var old = Old())
        {
            AddBoth(old);
            for (var n = 0; n < 300; n++)
                AddMessage(old, $"m{n}");
        }

        using (var file = System.IO.File.OpenWrite(File))
            file.SetLength(file.Length / 2);
        Assert.That(await RefusedAsync(), Does.Contain("is damaged"));
    }

    /// <summary>Tenants came before events did.</summary>
    [Test]
    public async Task Import_OfAVersionBetween_KnowsTenantsAndEndsInRows()
    {
        using (var old = Old(OldVersion.WithoutKeys))
        {
            old.Run(
                """
                DROP TABLE message_events; ALTER TABLE messages DROP COLUMN smtp_ts; ALTER TABLE messages ADD COLUMN sent_ts INTEGER;
                ALTER TABLE messages ADD COLUMN error_ts INTEGER; ALTER TABLE messages ADD COLUMN error TEXT;
                ALTER TABLE messages ADD COLUMN reported_ts INTEGER
                """
            );
            AddBoth(old);
            AddTenant(old, "other");
            AddAccount(old, "other", "theirs");
            old.Add("messages", ("id", "m"), ("account_id", "main"), ("payload", Payload().ToJsonString()));
            old.Add("messages", ("id", "n"), ("account_id", "theirs"), ("payload", "x"), ("error_ts", Now), ("error", "550"));
            old.Add("messages", ("id", "o"), ("account_id", "nobody"), ("payload", "x"), ("sent_ts", Now));
        }

        var tally = await ImportAsync();
        Assert.That(LeftOut(tally, "message"), Is.EqualTo(new[] { "o: its account is not there, so nobody knows its tenant" }));
        await using var daemon = await StartAsync();
        Assert.That((await daemon.RowsAsync()).Keys, Is.EqualTo(new[] { "m" }));
        Assert.That((string)(await daemon.RowsAsync("other"))["n"]["error"]!, Is.EqualTo("550"));
    }

    [Test]
    public async Task Import_OfADatabaseInUtf16_ReadsItsTexts()
    {
        using (var old = new OldDatabase(File, OldVersion.Production, "PRAGMA encoding='UTF-16le';"))
        {
            AddTenant(old, "acme", ("name", "Söhne"));
            AddAccount(old);
            AddMessage(old, "m", Payload("m", new { subject = "Grüße" }));
        }

        await ImportAsync();
        await using var daemon = await StartAsync();
        Assert.That((string)(await daemon.GetAsync("/tenant/acme"))["name"]!, Is.EqualTo("Söhne"));
        Assert.That((string)(await daemon.RowsAsync())["m"]["message"]!["subject"]!, Is.EqualTo("Grüße"));
    }

    [Test]
    public async Task Import_OfADatabaseThatIsBeingWritten_Works()
    {
        using var old = Old();
        old.Run("PRAGMA journal_mode=WAL");
        AddBoth(old);
        AddMessage(old);
        var tally = await ImportAsync();
        Assert.That(tally.Of("waiting messages"), Is.EqualTo(1));
    }
}
