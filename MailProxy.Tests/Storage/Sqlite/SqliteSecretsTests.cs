using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

internal sealed class SqliteSecretsTests
{
    private TemporaryStore _store = null!;

    private string KeyFile => Path.Combine(_store.Path, "master.key");

    [SetUp]
    public void Open() => _store = new();

    [TearDown]
    public void Remove() => _store.Dispose();

    [Test]
    public async Task Open_FreshStore_MakesTheKeyFileAndUsesItAgain()
    {
        var first = await OpenAsync(null);
        Assert.That(KeyFile, Does.Exist);
        var second = await OpenAsync(null);
        Assert.That(second.SealingKey, Is.EqualTo(first.SealingKey));
    }

    [Test]
    public async Task Open_ConfiguredKey_MakesNoFile()
    {
        var key = MasterKey.Generate();
        var box = await OpenAsync(Text(key));
        Assert.That(box.SealingKey, Is.EqualTo(key.Id));
        Assert.That(KeyFile, Does.Not.Exist);
    }

    [TestCase("account")]
    [TestCase("webhook")]
    [TestCase("volume")]
    public async Task Open_SecretStoredAndKeyFileGone_IsRefusedNamingKeyAndPlacesAndMakesNone(string kind)
    {
        var box = await OpenAsync(null);
        await StoreSecretAsync(box, kind);
        File.Delete(KeyFile);

        var refusal = Assert.ThrowsAsync<StoreRefusedException>(() => OpenAsync(null));
        Assert.Multiple(() =>
        {
            Assert.That(refusal!.Message, Does.Contain(box.SealingKey).And.Contain("MAILPROXY_MASTER_KEY").And.Contain(KeyFile));
            Assert.That(KeyFile, Does.Not.Exist);
        });
    }

    [Test]
    public async Task Open_WrongKeyConfigured_IsRefusedThoughTheFileHasTheRightOne()
    {
        var box = await OpenAsync(null);
        await StoreSecretAsync(box, "account");
        var wrong = MasterKey.Generate();

        var refusal = Assert.ThrowsAsync<StoreRefusedException>(() => OpenAsync(Text(wrong)));
        Assert.That(refusal!.Message, Does.Contain(box.SealingKey).And.Contain(wrong.Id).And.Not.Contain(Text(wrong)));
    }

    [Test]
    public async Task Open_NewKeyBeforeTheOld_SealsWithTheNewAndOpensBoth()
    {
        MasterKey old = MasterKey.Generate(),
            fresh = MasterKey.Generate();
        await StoreSecretAsync(await OpenAsync(Text(old)), "account");

        var rotated = await OpenAsync(Text(fresh) + "," + Text(old));
        Assert.Multiple(() =>
        {
            Assert.That(rotated.SealingKey, Is.EqualTo(fresh.Id));
            Assert.That(new SqlConfigurationStore(_store.Database, rotated, TimeProvider.System).AccountsAsync, Has.Count.EqualTo(1));
        });
    }

    [Test]
    public async Task Open_TwoKeys_SealsEverythingUnderTheFirstSoThatTheOldOneMayGo()
    {
        MasterKey old = MasterKey.Generate(),
            fresh = MasterKey.Generate();
        var before = await OpenAsync(Text(old));
        foreach (var kind in new[] { "account", "webhook", "volume" })
            await StoreSecretAsync(before, kind);
        await new SqlConfigurationStore(_store.Database, before, TimeProvider.System).PutTenantAsync(
            new()
            {
                Id = "acme",
                Name = "Acme",
                AttachmentEndpoint = new(new("https://example.com/"), new SourceAuth.Bearer("b")),
            },
            "ann"
        );
        var links = (await SqlLinkStore.OpenAsync(_store.Database, before)).SigningKey.ToArray();

        await OpenAsync(Text(fresh) + "," + Text(old));
        var alone = await OpenAsync(Text(fresh));
        Assert.Multiple(async () =>
        {
            Assert.That(
                (await new SqlConfigurationStore(_store.Database, alone, TimeProvider.System).AccountsAsync()).Single().Password,
                Is.EqualTo("a")
            );
            Assert.That(
                (await new SqlDeliveryLog(_store.Database, alone, TimeProvider.System).EndpointsAsync()).Single().Secret,
                Is.EqualTo("whsec_abc")
            );
            Assert.That(
                (
                    (VolumeConfig.Http)
                        (await new SqlConfigurationStore(_store.Database, alone, TimeProvider.System).VolumesAsync()).Single().Config
                ).Auth,
                Is.EqualTo(new SourceAuth.Bearer("a"))
            );
            Assert.That(
                (await new SqlConfigurationStore(_store.Database, alone, TimeProvider.System).TenantsAsync())
                    .Single(t => t.Id == "acme")
                    .AttachmentEndpoint!.Auth,
                Is.EqualTo(new SourceAuth.Bearer("b"))
            );
            Assert.That((await SqlLinkStore.OpenAsync(_store.Database, alone)).SigningKey.ToArray(), Is.EqualTo(links));
        });
    }

    [Test]
    public async Task Open_TwoKeysAndTheSealingFailsInTheMiddle_LeavesEverythingUnderTheOld()
    {
        MasterKey old = MasterKey.Generate(),
            fresh = MasterKey.Generate();
        var before = await OpenAsync(Text(old));
        foreach (var kind in new[] { "account", "webhook", "volume" })
            await StoreSecretAsync(before, kind);
        await _store.RunAsync("CREATE TRIGGER fail BEFORE UPDATE OF secret ON volumes BEGIN SELECT RAISE(ABORT, 'in the middle'); END");

        Assert.That(() => OpenAsync(Text(fresh) + "," + Text(old)), Throws.Exception.With.Message.Contains("in the middle"));
        Assert.That(_store.Database.Readers.Read(SealedColumns.KeysInUse), Is.EqualTo(new[] { old.Id }));
        Assert.That(
            (await new SqlConfigurationStore(_store.Database, await OpenAsync(Text(old)), TimeProvider.System).AccountsAsync())
                .Single()
                .Password,
            Is.EqualTo("a")
        );

        await _store.RunAsync("DROP TRIGGER fail");
        await OpenAsync(Text(fresh) + "," + Text(old));
        Assert.That(_store.Database.Readers.Read(SealedColumns.KeysInUse), Is.EqualTo(new[] { fresh.Id }));
    }

    [Test]
    public async Task Open_TwoKeys_TellsTheAuditLogOnceAndWithoutTheKeys()
    {
        MasterKey old = MasterKey.Generate(),
            fresh = MasterKey.Generate();
        await StoreSecretAsync(await OpenAsync(Text(old)), "webhook");
        for (var i = 0; i < 2; i++)
            await OpenAsync(Text(fresh) + "," + Text(old));
        var told = (await new SqlAuditLog(_store.Database, TimeProvider.System).ReadAsync(0, 10))
            .Where(a => a.Actor == "mailproxy")
            .ToArray();
        Assert.That(
            told.Select(a => (a.Action, a.Subject, a.Before, a.After)),
            Is.EqualTo(new[] { ("master_key.renew", "master_key", (string?)$"[\"{old.Id}\"]", (string?)$"[\"{fresh.Id}\"]") })
        );
    }

    [Test]
    public void Sealed_EveryBlobThatSaysSo_IsAmongThoseThatAreRenewed()
    {
        var said = Migrator.Embedded.Sum(static migration => migration.Sql.Split("sealed by SecretBox").Length - 1);
        Assert.That(said, Is.EqualTo(SealedColumns.Count));
    }

    [Test]
    public async Task Open_KeyFileGoneAfterTheLastSecret_MakesANewOne()
    {
        var box = await OpenAsync(null);
        await StoreSecretAsync(box, "account");
        await new SqlConfigurationStore(_store.Database, box, TimeProvider.System).DeleteAccountAsync("default", "one", "ann");
        File.Delete(KeyFile);

        Assert.That((await OpenAsync(null)).SealingKey, Is.Not.EqualTo(box.SealingKey));
    }

    [Test]
    public async Task Open_ProofDamaged_IsRefused()
    {
        await OpenAsync(null);
        await _store.RunAsync("UPDATE secret_keys SET proof = substr(proof, 1, length(proof) - 1)");
        Assert.That(() => OpenAsync(null), Throws.TypeOf<StoreRefusedException>().With.Message.Contains("damaged"));
    }

    [Test]
    public async Task Open_StoredSecretIsNoSecret_IsRefused()
    {
        await StoreSecretAsync(await OpenAsync(null), "account");
        await _store.RunAsync("UPDATE accounts SET password = x'00'");
        Assert.That(() => OpenAsync(null), Throws.TypeOf<StoreRefusedException>().With.Message.Contains("damaged"));
    }

    private Task<SecretBox> OpenAsync(string? configured) =>
        SqlSecrets.OpenAsync(_store.Database, new(configured, null, _store.Path), TimeProvider.System, NullLogger.Instance);

    private Task StoreSecretAsync(SecretBox box, string kind)
    {
        if (kind == "webhook")
            return new SqlConfigurationStore(_store.Database, box, TimeProvider.System).PutEndpointAsync(
                new("default", "hook", "https://example.com/", "whsec_abc", [], false, 1, false, new(0)),
                "ann"
            );

        if (kind == "volume")
            return new SqlConfigurationStore(_store.Database, box, TimeProvider.System).PutVolumeAsync(
                new()
                {
                    Tenant = "default",
                    Id = "files",
                    Config = new VolumeConfig.Http(new("https://example.com/"), new SourceAuth.Bearer("a")),
                },
                "ann"
            );

        var account = new SmtpAccount
        {
            Key = default,
            Tenant = "default",
            Id = "one",
            Version = 0,
            Host = "smtp.example.com",
            Port = 25,
            Password = "a",
        };
        return new SqlConfigurationStore(_store.Database, box, TimeProvider.System).PutAccountAsync(account, "ann");
    }

    private static string Text(MasterKey key) => Convert.ToBase64String(key.Bytes);
}
