using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Configuration;

/// <summary>What every account store does.</summary>
[TestOf(typeof(IConfigurationStore))]
[TestOf(typeof(ISendingStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class AccountStoreContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private static readonly SmtpAccount Relay = new()
    {
        Key = default,
        Tenant = "default",
        Id = "relay",
        Version = 0,
        Host = "smtp.example.com",
        Port = 587,
        Security = SmtpSecurity.StartTls,
        VerifyCertificate = false,
        User = "ann",
        Password = "hunter2",
        Limits = new(PerSecond: 1, PerMinute: 2, PerHour: 3, PerDay: 4, Burst: 5, LimitCount.Messages, LimitReached.Fail, Paced: false)
        {
            WarmUp = new(new(2026, 12, 1), [50, 100]),
        },
        MaxConnections = 3,
        MaxMessagesPerConnection = 4,
        MaxRecipients = 5,
        Pipelining = SmtpPipelining.Off,
        Chunking = 16,
        Dkim = new("example.com", "s1", "-----BEGIN PRIVATE KEY-----"),
        FromAllowed = ["@example.com", "ann@example.org"],
        LargeFiles = new(20_000_000, LargeFileAction.Link, "files", 14),
        Description = "Bücher & Co",
    };

    private new IConfigurationStore Store => Bench.Configuration;

    private ISendingStore Sending => Bench.Sending;

    private void Reopen() => Bench.Crash();

    private Task EnsureSandboxAsync() => Bench.EnsureSandboxAsync();

    private Task QueueMailAsync(AccountKey account, int queueState) => Bench.SeedAsync([SeedMessage.InQueue(account, queueState)]);

    [Test]
    public async Task DkimKeys_PutAndRead_AreTheSame()
    {
        var keys = new[] { DkimAlgorithm.Ed25519, DkimAlgorithm.Rsa }
            .Select(static one => DkimKeyMaker.Make("x.example", $"s-{one}", one, 1_700_000_000_000))
            .ToArray();
        keys[1] = keys[1] with { State = DkimState.Active };
        await Store.PutAccountAsync(Relay with { Id = "signed", DkimKeys = keys }, "test");
        var read = (await Store.AccountsAsync()).Single(static account => account.Id == "signed");
        Assert.That(read.DkimKeys, Is.EqualTo(keys));
    }

    [Test]
    public async Task Put_NewAccount_ComesBackWhole()
    {
        var created = await Store.PutAccountAsync(Relay, "ann");
        Reopen();

        var stored = await OnlyAsync();
        Assert.Multiple(() =>
        {
            Assert.That(created, Is.True);
            Assert.That(stored.FromAllowed, Is.EqualTo(Relay.FromAllowed));
            Assert.That(stored with { Key = default, Version = 0, FromAllowed = Relay.FromAllowed }, Is.EqualTo(Relay));
            Assert.That(stored.Key.Number, Is.GreaterThan(0));
        });
    }

    [TestCase(SmtpSecurity.None)]
    [TestCase(SmtpSecurity.StartTls)]
    [TestCase(SmtpSecurity.Tls)]
    [TestCase(SmtpSecurity.StartTlsWhenAvailable)]
    public async Task Put_EverySecurity_ComesBack(SmtpSecurity security)
    {
        await Store.PutAccountAsync(Relay with { Security = security }, "ann");
        Assert.That((await OnlyAsync()).Security, Is.EqualTo(security));
    }

    [Test]
    public async Task Put_KnownAccount_KeepsKeyAndPauseAndRaisesTheVersion()
    {
        await Store.PutAccountAsync(Relay, "ann");
        await Store.SetPausedAsync("default", "relay", true, "ann");
        var before = await OnlyAsync();

        var created = await Store.PutAccountAsync(Relay with { Host = "other.example.com", Paused = true }, "ann");
        var after = await OnlyAsync();
        Assert.Multiple(() =>
        {
            Assert.That(created, Is.False);
            Assert.That(after.Key, Is.EqualTo(before.Key));
            Assert.That(after.Version, Is.EqualTo(before.Version + 1));
            Assert.That(after.Paused, Is.True);
            Assert.That(after.Host, Is.EqualTo("other.example.com"));
        });
    }

    [Test]
    public async Task Put_WithoutSecrets_RemovesThem()
    {
        await Store.PutAccountAsync(Relay, "ann");
        await Store.PutAccountAsync(Relay with { Password = null, Dkim = null }, "ann");

        var stored = await OnlyAsync();
        Assert.Multiple(() =>
        {
            Assert.That(stored.PasswordSet, Is.False);
            Assert.That(stored.Dkim, Is.Null);
        });
    }

    [Test]
    public async Task Put_SameIdInTwoTenants_AreTwoAccounts()
    {
        await Store.PutAccountAsync(Relay, "ann");
        Assert.That(await Store.PutAccountAsync(Relay with { Tenant = "other", Password = "another" }, "ann"), Is.True);

        var accounts = await Store.AccountsAsync();
        Assert.That(accounts.Select(a => (a.Tenant, a.Password)), Is.EqualTo([("default", "hunter2"), ("other", "another")]));
    }

    [Test]
    public async Task Delete_Account_IsGoneButItsNameStaysAndItsNumberIsNotUsedAgain()
    {
        await Store.PutAccountAsync(Relay, "ann");
        var deleted = (await OnlyAsync()).Key;

        Assert.That(await Store.DeleteAccountAsync("default", "relay", "ann"), Is.EqualTo(DeleteResult.Deleted));
        Assert.That(await Store.AccountsAsync(), Is.Empty);
        Assert.That(Sending.NameOf(deleted), Is.EqualTo("relay"));

        Reopen();
        await Store.PutAccountAsync(Relay, "ann");
        var again = (await OnlyAsync()).Key;
        Assert.Multiple(() =>
        {
            Assert.That(Sending.NameOf(deleted), Is.EqualTo("relay"));
            Assert.That(again, Is.Not.EqualTo(deleted));
            Assert.That(Sending.NameOf(again), Is.EqualTo("relay"));
        });
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    public async Task Delete_UnfinishedMail_IsInUse(int queueState)
    {
        await Store.PutAccountAsync(Relay, "ann");
        await QueueMailAsync((await OnlyAsync()).Key, queueState);
        Assert.That(await Store.DeleteAccountAsync("default", "relay", "ann"), Is.EqualTo(DeleteResult.InUse));
        Assert.That(await Store.AccountsAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Delete_MailOfAnotherAccount_DoesNotMatter()
    {
        await Store.PutAccountAsync(Relay, "ann");
        var other = new AccountKey((await OnlyAsync()).Key.Number + 1);
        await QueueMailAsync(other, 0);
        await QueueMailAsync(other, 2);
        Assert.That(await Store.DeleteAccountAsync("default", "relay", "ann"), Is.EqualTo(DeleteResult.Deleted));
    }

    [Test]
    public async Task Delete_Unknown_IsNotFound()
    {
        await Store.PutAccountAsync(Relay, "ann");
        Assert.That(await Store.DeleteAccountAsync("other", "relay", "ann"), Is.EqualTo(DeleteResult.NotFound));
    }

    [Test]
    public async Task SetPaused_Known_IsPausedWithSecretsKept()
    {
        await Store.PutAccountAsync(Relay, "ann");
        Assert.That(await Store.SetPausedAsync("default", "relay", true, "ann"), Is.True);
        var stored = await OnlyAsync();
        Assert.Multiple(() =>
        {
            Assert.That(stored.Paused, Is.True);
            Assert.That(stored.Password, Is.EqualTo("hunter2"));
        });
    }

    [Test]
    public async Task SetPaused_Unknown_IsFalse() => Assert.That(await Store.SetPausedAsync("default", "relay", true, "ann"), Is.False);

    [Test]
    public async Task Suspended_SetAndCleared_OutlivesAnOpening()
    {
        Assert.That(await Sending.SuspendedAsync(), Is.False);

        await Sending.SetSuspendedAsync(true, "ann");
        Reopen();
        Assert.That(await Sending.SuspendedAsync(), Is.True);

        await Sending.SetSuspendedAsync(false, "ann");
        Assert.That(await Sending.SuspendedAsync(), Is.False);
    }

    [Test]
    public async Task EnsureSandbox_FreshStore_MakesIt()
    {
        await EnsureSandboxAsync();
        await EnsureSandboxAsync();
        var sandbox = await OnlyAsync();
        Assert.Multiple(() =>
        {
            Assert.That((sandbox.Tenant, sandbox.Id, sandbox.Sandbox), Is.EqualTo(("default", "sandbox", true)));
            Assert.That(Sending.NameOf(sandbox.Key), Is.EqualTo("sandbox"));
        });
    }

    [Test]
    public async Task EnsureSandbox_DeletedBefore_StaysDeleted()
    {
        await EnsureSandboxAsync();
        await Store.DeleteAccountAsync("default", "sandbox", "ann");
        await EnsureSandboxAsync();
        Assert.That(await Store.AccountsAsync(), Is.Empty);
    }

    [Test]
    public async Task NameOf_Unknown_IsNull()
    {
        await Store.PutAccountAsync(Relay, "ann");
        Assert.That(Sending.NameOf((await OnlyAsync()).Key), Is.EqualTo("relay"));
        Assert.That(Sending.NameOf(new(99)), Is.Null);
    }

    [Test]
    public async Task Audit_EveryChange_TellsWhoAndWhatWithoutSecrets()
    {
        await Store.PutAccountAsync(Relay, "ann");
        await Store.PutAccountAsync(Relay with { Password = "swordfish" }, "bob");
        await Store.SetPausedAsync("default", "relay", true, "ann");
        await Store.SetPausedAsync("default", "relay", true, "ann"); // changes nothing
        await Sending.SetSuspendedAsync(true, "ann");
        await Sending.SetSuspendedAsync(true, "ann"); // changes nothing
        await Store.DeleteAccountAsync("default", "relay", "bob");

        var audit = Bench.Audit();
        Assert.Multiple(() =>
        {
            Assert.That(
                audit.Select(a => (a.Actor, a.Action, a.Subject)),
                Is.EqualTo([
                    ("ann", "account.create", "account/default/relay"),
                    ("bob", "account.replace", "account/default/relay"),
                    ("ann", "account.pause", "account/default/relay"),
                    ("ann", "dispatcher.suspend", "dispatcher"),
                    ("bob", "account.delete", "account/default/relay"),
                ])
            );
            Assert.That(
                string.Concat(audit.Select(a => a.Before + a.After)),
                Does.Not.Contain("hunter2").And.Not.Contain("swordfish").And.Not.Contain("PRIVATE KEY")
            );
            Assert.That(audit[0].Before, Is.Null);
            Assert.That(audit[0].After, Does.Contain("smtp.example.com").And.Contain("\"password_set\":true"));
            Assert.That(audit[1].After, Does.Contain("\"password_changed\":true").And.Contain("\"dkim_key_changed\":false"));
            Assert.That(audit[2].Before, Does.Contain("\"paused\":false"));
            Assert.That(audit[2].After, Does.Contain("\"paused\":true").And.Not.Contain("_changed"));
            Assert.That(audit[4].After, Is.Null);
        });
    }

    // As what is in force is read.
    private async Task<SmtpAccount> OnlyAsync()
    {
        var accounts = await Store.AccountsAsync();
        Sending.Learn(accounts);
        return accounts.Single();
    }
}
