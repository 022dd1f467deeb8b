using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Storage.Sqlite;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Configuration;

internal sealed class SqliteAccountsTests
{
    /// <summary>As former versions wrote it.</summary>
    private const string Former = """
        {"sandbox":false,"host":"smtp.example.com","port":587,"security":"starttls","verify_certificate":false,"user":"ann",
         "limits":{"per_second":1,"per_minute":2,"per_hour":3,"per_day":4,"burst":5,"count_messages":true,"fail_when_reached":true},
         "max_connections":3,"max_messages_per_connection":4,"max_recipients":5,"dkim":{"domain":"example.com","selector":"s1"},
         "from_allowed":["@example.com"],"large_files":{"threshold":1000,"action":"link","volume":"files","lifetime_days":14},
         "expires_after_seconds":3600,"retry_minutes":[0.5,10],"description":"the big one","by_tenant":true}
        """;

    private const string FormerSandbox = """
        {"sandbox":true,"port":0,"security":"none","verify_certificate":true,"max_connections":8,"max_messages_per_connection":100,
         "max_recipients":50,"from_allowed":[],"description":"The built-in catcher.","by_tenant":false}
        """;

    private TemporaryStore _store = null!;

    private IConfigurationStore Store => new SqlConfigurationStore(_store.Database, _store.Box, TimeProvider.System);

    [SetUp]
    public void Open() => _store = new();

    [TearDown]
    public void Remove() => _store.Dispose();

    [Test]
    public async Task Put_Password_IsNowhereInTheFiles()
    {
        await Store.PutAccountAsync(Account("one", "correct-horse-battery"), "ann");
        _store.Close();
        foreach (var file in Directory.GetFiles(_store.Path))
            Assert.That(Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file)), Does.Not.Contain("correct-horse"), file);
    }

    [Test]
    public async Task Delete_Account_WipesItsSecrets()
    {
        await Store.PutAccountAsync(Account("one", "a") with { Dkim = new("example.com", "s", "key") }, "ann");
        await Store.DeleteAccountAsync("default", "one", "ann");
        var kept = _store.Query(
            "SELECT password IS NULL AND dkim_key IS NULL AND deleted_at IS NOT NULL FROM accounts",
            row => row.GetInt64(0)
        );
        Assert.That(kept, Is.EqualTo([1]));
    }

    [Test]
    public async Task Delete_Account_ForgetsTheCountsOfItsLimitsOnly()
    {
        await Store.PutAccountAsync(Account("one", "a"), "ann");
        await Store.PutAccountAsync(Account("two", "b"), "ann");
        var keys = (await Store.AccountsAsync()).ToDictionary(account => account.Id, account => LimitKey.Of(account.Key).Stored);
        foreach (var key in keys.Values)
            await _store.RunAsync("INSERT INTO limit_uses (key, window, slot, count) VALUES (@key, 60, 0, 1)", ("@key", key));
        await Store.DeleteAccountAsync("default", "one", "ann");
        Assert.That(_store.Query("SELECT key FROM limit_uses", row => row.GetInt32(0)), Is.EqualTo([keys["two"]]));
    }

    [TestCase("not JSON", false)]
    [TestCase("{}", false)]
    [TestCase("[]", false)]
    [TestCase("""{"accounts":"one"}""", false)]
    [TestCase("""{"accounts":[7,"one"]}""", false)]
    [TestCase("""{"accounts":[{"id":"two"}]}""", false)]
    [TestCase("""{"accounts":[7,{"id":"one"}]}""", true)]
    public async Task Delete_InAPool_IsInUse_AndADamagedPoolDoesNotMatter(string pool, bool isInUse)
    {
        await Store.PutAccountAsync(Account("one", "a"), "ann");
        await _store.RunAsync(
            "INSERT INTO pools (tenant, id, version, config, created_at, updated_at) VALUES ('default', 'both', 1, @pool, 1, 1)",
            ("@pool", pool)
        );
        Assert.That(
            await Store.DeleteAccountAsync("default", "one", "ann"),
            Is.EqualTo(isInUse ? DeleteResult.InUse : DeleteResult.Deleted)
        );
    }

    [Test]
    public async Task Accounts_SealedPasswordsSwapped_IsRefused()
    {
        await Store.PutAccountAsync(Account("one", "a"), "ann");
        await Store.PutAccountAsync(Account("two", "b"), "ann");
        await _store.RunAsync("UPDATE accounts SET password = (SELECT password FROM accounts o WHERE o.id = 'one') WHERE id = 'two'");
        Assert.That(Store.AccountsAsync, Throws.TypeOf<StoreRefusedException>());
    }

    [TestCase("""{"security":"carrier pigeon"}""")]
    [TestCase("""{"large_files":{"threshold":1,"action":"eat","lifetime_days":1}}""")]
    [TestCase("""{"port":"25"}""")]
    [TestCase("no JSON")]
    public async Task Accounts_RowThatCannotBeRead_IsRefusedByName(string config)
    {
        await InsertAsync("bad", config);
        Assert.That(Store.AccountsAsync, Throws.TypeOf<StoreRefusedException>().With.Message.Contains("account/default/bad"));
    }

    [Test]
    public async Task Accounts_RowOfAFormerVersion_IsWhole()
    {
        await InsertAsync("old", Former);
        await _store.RunAsync(
            "UPDATE accounts SET password = @password, dkim_key = @dkim, paused = 1",
            ("@password", _store.Box.Seal("hunter2", "account/1/password")),
            ("@dkim", _store.Box.Seal("a key", "account/1/dkim"))
        );
        var expected = new SmtpAccount
        {
            Key = new(1),
            Tenant = "default",
            Id = "old",
            Version = 7,
            Host = "smtp.example.com",
            Port = 587,
            Security = SmtpSecurity.StartTls,
            VerifyCertificate = false,
            User = "ann",
            Password = "hunter2",
            Limits = new(PerSecond: 1, PerMinute: 2, PerHour: 3, PerDay: 4, Burst: 5, LimitCount.Messages, LimitReached.Fail),
            MaxConnections = 3,
            MaxMessagesPerConnection = 4,
            MaxRecipients = 5,
            Dkim = new("example.com", "s1", "a key"),
            LargeFiles = new(1_000, LargeFileAction.Link, "files", 14),
            ExpiresAfter = TimeSpan.FromHours(1),
            Retry = new([0.5, 10]),
            Description = "the big one",
            ByTenant = true,
            Paused = true,
        };
        var read = (await Store.AccountsAsync()).Single();
        Assert.That(read.FromAllowed, Is.EqualTo(["@example.com"]));
        Assert.That(read with { FromAllowed = expected.FromAllowed }, Is.EqualTo(expected));
    }

    [TestCase(Former)]
    [TestCase(FormerSandbox)]
    public async Task Put_WhatAFormerVersionWrote_IsWrittenTheSame(string config)
    {
        await InsertAsync("old", config);
        await _store.RunAsync("UPDATE accounts SET dkim_key = @dkim", ("@dkim", _store.Box.Seal("a key", "account/1/dkim")));
        await Store.PutAccountAsync((await Store.AccountsAsync()).Single(), "ann");
        var (written, version) = _store.Query("SELECT config, version FROM accounts", row => (row.GetString(0), row.GetInt64(1))).Single();
        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(written), JsonNode.Parse(config)), written);
        Assert.That(version, Is.EqualTo(8));
    }

    [Test]
    public async Task Put_KeyOfASignatureIsMissing_IsNotSigned()
    {
        await InsertAsync("old", Former);
        Assert.That((await Store.AccountsAsync()).Single().Dkim, Is.Null);
    }

    [Test]
    public async Task Put_DeletedAndMadeAnew_NoVersionComesTwice()
    {
        var versions = new List<long>();
        for (var i = 0; i < 3; i++)
        {
            await Store.PutAccountAsync(Account("one", "a"), "ann");
            versions.Add((await Store.AccountsAsync()).Single().Version);
            await Store.PutAccountAsync(Account("one", "b"), "ann");
            versions.Add((await Store.AccountsAsync()).Single().Version);
            await Store.DeleteAccountAsync("default", "one", "ann");
        }

        Assert.That(versions, Is.Unique.And.Ordered);
        Assert.That(_store.Query("SELECT version FROM accounts ORDER BY number", row => row.GetInt64(0)), Has.Count.EqualTo(3).And.Ordered);
    }

    private Task InsertAsync(string id, string config) =>
        _store.RunAsync(
            "INSERT INTO accounts (tenant, id, version, config, created_at, updated_at) VALUES ('default', @id, 7, @config, 1, 1)",
            ("@id", id),
            ("@config", config)
        );

    private static SmtpAccount Account(string id, string password) =>
        new()
        {
            Key = default,
            Tenant = "default",
            Id = id,
            Version = 0,
            Host = "smtp.example.com",
            Port = 25,
            User = "u",
            Password = password,
        };
}
