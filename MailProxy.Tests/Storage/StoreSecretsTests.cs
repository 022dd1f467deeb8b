using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>Secrets in the store, and the master keys that open them.</summary>
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class StoreSecretsTests<TBench> : MessageStoreContract<TBench>
    where TBench : SqlBench, new()
{
    private DirectoryInfo _keys = null!;

    private string KeyFile => Path.Combine(_keys.FullName, "master.key");

    [SetUp]
    public void MakeKeys() => _keys = Directory.CreateTempSubdirectory("mailproxy-keys-");

    [TearDown]
    public void RemoveKeys() => _keys.Delete(recursive: true);

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
            Assert.That(new SqlConfigurationStore(Bench.Data, rotated, TimeProvider.System).AccountsAsync, Has.Count.EqualTo(1));
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
        await new SqlConfigurationStore(Bench.Data, before, TimeProvider.System).PutTenantAsync(
            new()
            {
                Id = "acme",
                Name = "Acme",
                AttachmentEndpoint = new(new("https://example.com/"), new SourceAuth.Bearer("b")),
            },
            "ann"
        );
        var links = (await SqlLinkStore.OpenAsync(Bench.Data, before)).SigningKey.ToArray();

        await OpenAsync(Text(fresh) + "," + Text(old));
        var alone = await OpenAsync(Text(fresh));
        Assert.Multiple(async () =>
        {
            Assert.That(
                (await new SqlConfigurationStore(Bench.Data, alone, TimeProvider.System).AccountsAsync()).Single().Password,
                Is.EqualTo("a")
            );
            Assert.That(
                (await new SqlDeliveryLog(Bench.Data, alone, TimeProvider.System).EndpointsAsync()).Single().Secret,
                Is.EqualTo("whsec_abc")
            );
            Assert.That(
                (
                    (VolumeConfig.Http)
                        (await new SqlConfigurationStore(Bench.Data, alone, TimeProvider.System).VolumesAsync()).Single().Config
                ).Auth,
                Is.EqualTo(new SourceAuth.Bearer("a"))
            );
            Assert.That(
                (await new SqlConfigurationStore(Bench.Data, alone, TimeProvider.System).TenantsAsync())
                    .Single(t => t.Id == "acme")
                    .AttachmentEndpoint!.Auth,
                Is.EqualTo(new SourceAuth.Bearer("b"))
            );
            Assert.That((await SqlLinkStore.OpenAsync(Bench.Data, alone)).SigningKey.ToArray(), Is.EqualTo(links));
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
        await Bench.RunAsync("UPDATE volumes SET secret = (SELECT password FROM accounts)");
        Assert.That(() => OpenAsync(Text(fresh) + "," + Text(old)), Throws.Exception);
        Assert.That(Bench.Data.Readers.Read(SealedColumns.KeysInUse), Is.EqualTo(new[] { old.Id }));
        Assert.That(
            (await new SqlConfigurationStore(Bench.Data, await OpenAsync(Text(old)), TimeProvider.System).AccountsAsync())
                .Single()
                .Password,
            Is.EqualTo("a")
        );

        await StoreSecretAsync(before, "volume");
        await OpenAsync(Text(fresh) + "," + Text(old));
        Assert.That(Bench.Data.Readers.Read(SealedColumns.KeysInUse), Is.EqualTo(new[] { fresh.Id }));
    }

    [Test]
    public async Task Open_TwoKeys_TellsTheAuditLogOnceAndWithoutTheKeys()
    {
        MasterKey old = MasterKey.Generate(),
            fresh = MasterKey.Generate();
        await StoreSecretAsync(await OpenAsync(Text(old)), "webhook");
        for (var i = 0; i < 2; i++)
            await OpenAsync(Text(fresh) + "," + Text(old));
        var told = (await new SqlAuditLog(Bench.Data, TimeProvider.System).ReadAsync(0, 10)).Where(a => a.Actor == "mailproxy").ToArray();
        Assert.That(
            told.Select(a => (a.Action, a.Subject, a.Before, a.After)),
            Is.EqualTo(new[] { ("master_key.renew", "master_key", (string?)$"[\"{old.Id}\"]", (string?)$"[\"{fresh.Id}\"]") })
        );
    }

    [Test]
    public async Task Open_KeyFileGoneAfterTheLastSecret_MakesANewOne()
    {
        var box = await OpenAsync(null);
        await StoreSecretAsync(box, "account");
        await new SqlConfigurationStore(Bench.Data, box, TimeProvider.System).DeleteAccountAsync("default", "one", "ann");
        File.Delete(KeyFile);

        Assert.That((await OpenAsync(null)).SealingKey, Is.Not.EqualTo(box.SealingKey));
    }

    [Test]
    public async Task Open_ProofDamaged_IsRefused()
    {
        await OpenAsync(null);
        await Bench.RunAsync("UPDATE secret_keys SET proof = substr(proof, 1, length(proof) - 1)");
        Assert.That(() => OpenAsync(null), Throws.TypeOf<StoreRefusedException>().With.Message.Contains("damaged"));
    }

    [Test]
    public async Task Open_StoredSecretIsNoSecret_IsRefused()
    {
        await StoreSecretAsync(await OpenAsync(null), "account");
        await Bench.Data.Writer.WriteAsync(static session => session.Run("UPDATE accounts SET password = ?1", new byte[1]));
        Assert.That(() => OpenAsync(null), Throws.TypeOf<StoreRefusedException>().With.Message.Contains("damaged"));
    }

    private Task<SecretBox> OpenAsync(string? configured) =>
        SqlSecrets.OpenAsync(Bench.Data, new(configured, null, _keys.FullName), TimeProvider.System, NullLogger.Instance);

    private Task StoreSecretAsync(SecretBox box, string kind)
    {
        if (kind == "webhook")
            return new SqlConfigurationStore(Bench.Data, box, TimeProvider.System).PutEndpointAsync(
                new("default", "hook", "https://example.com/", "whsec_abc", [], false, 1, false, new(0)),
                "ann"
            );

        if (kind == "volume")
            return new SqlConfigurationStore(Bench.Data, box, TimeProvider.System).PutVolumeAsync(
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
        return new SqlConfigurationStore(Bench.Data, box, TimeProvider.System).PutAccountAsync(account, "ann");
    }

    private static string Text(MasterKey key) => Convert.ToBase64String(key.Bytes);
}
