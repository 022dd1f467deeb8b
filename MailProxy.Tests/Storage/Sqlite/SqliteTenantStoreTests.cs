using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

internal sealed class SqliteTenantStoreTests : TenantStoreContract
{
    private TemporaryStore _store = null!;

    protected override ITenantStore Store => new SqliteTenantStore(_store.Database, _store.Box, TimeProvider.System);

    protected override IConfigurationStore Accounts => new SqliteConfigurationStore(_store.Database, _store.Box, TimeProvider.System);

    protected override IDeliveryLog Log => new SqliteDeliveryLog(_store.Database, _store.Box, TimeProvider.System);

    protected override IConfigurationStore Configuration => new SqliteConfigurationStore(_store.Database, _store.Box, TimeProvider.System);

    [SetUp]
    public void Open() => _store = new();

    [TearDown]
    public void Remove() => _store.Dispose();

    [Test]
    public async Task Put_Auth_IsNowhereInTheFiles()
    {
        await PutAsync("acme", "correct-horse-battery");
        _store.Close();
        foreach (var file in Directory.GetFiles(_store.Path))
            Assert.That(Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file)), Does.Not.Contain("correct-horse"), file);
    }

    [Test]
    public async Task Tenants_SealedAuthsSwapped_IsRefused()
    {
        await PutAsync("acme", "one");
        await PutAsync("beta", "two");
        await _store.RunAsync(
            "UPDATE tenants SET attachment_auth = (SELECT attachment_auth FROM tenants t WHERE t.id = 'acme') WHERE id = 'beta'"
        );
        Assert.That(Store.TenantsAsync, Throws.TypeOf<StoreRefusedException>());
    }

    [Test]
    public async Task Open_KeyOfAnAuthIsMissing_IsRefused()
    {
        await PutAsync("acme", "one");
        Assert.That(
            () => SqliteSecrets.OpenAsync(_store.Database, new(null, null, _store.Path), TimeProvider.System, NullLogger.Instance),
            Throws.TypeOf<StoreRefusedException>().With.Message.Contains(_store.Key.Id)
        );
    }

    [Test]
    public async Task Delete_Tenant_TakesItsVolumesKeysAndSuspendedBatchesAndTellsWhatTheyWere()
    {
        await PutAsync("acme", "one");
        var volumes = new SqliteConfigurationStore(_store.Database, _store.Box, TimeProvider.System);
        var batches = new SqliteBatchStore(_store.Database, TimeProvider.System);
        var keys = new SqliteKeyStore(_store.Database, TimeProvider.System);
        foreach (var tenant in (string[])["acme", "default"])
        {
            await volumes.PutVolumeAsync(
                new()
                {
                    Tenant = tenant,
                    Id = "files",
                    Config = new VolumeConfig.Http(new("https://files.example.com/"), null),
                },
                "ann"
            );
            await batches.SetSuspendedAsync(tenant, "news", true, "ann");
            await keys.CreateKeyAsync(
                new()
                {
                    Tenant = tenant,
                    Id = "k1",
                    Name = "Shop",
                    Hash = TenantKey.HashOf(tenant),
                    Scopes = KeyScopes.Read,
                    CreatedAt = 0,
                },
                "ann"
            );
        }

        Assert.That(await Store.DeleteTenantAsync("acme", "bob"), Is.EqualTo(DeleteResult.Deleted));
        Assert.That((await volumes.VolumesAsync()).Select(v => v.Tenant), Is.EqualTo(new[] { "default" }));
        Assert.That(
            _store.Query("SELECT tenant FROM suspended_batches UNION ALL SELECT tenant FROM tenant_keys", row => row.GetString(0)),
            Is.EqualTo(new[] { "default", "default" })
        );
        var told = Audit().Where(a => a.Item1 == "bob").Select(a => (a.Item2, a.Item3, a.Item4 ?? "")).ToArray();
        Assert.That(
            told.Select(a => (a.Item1, a.Item2)),
            Is.EqualTo(
                new[]
                {
                    ("batch.delete", "batch/acme/news"),
                    ("volume.delete", "volume/acme/files"),
                    ("key.delete", "key/acme/k1"),
                    ("tenant.delete", "tenant/acme"),
                }
            )
        );
        Assert.That(
            (told[0].Item3, told[1].Item3.Contains("files.example.com"), told[2].Item3.Contains("Shop")),
            Is.EqualTo(("true", true, true))
        );
    }

    [Test]
    public async Task Delete_LinksInItsVolumesAreGood_IsInUse()
    {
        await PutAsync("acme", "one");
        var volumes = new SqliteConfigurationStore(_store.Database, _store.Box, TimeProvider.System);
        await volumes.PutVolumeAsync(
            new()
            {
                Tenant = "acme",
                Id = "files",
                Config = new VolumeConfig.Http(new("https://files.example.com/"), null),
            },
            "ann"
        );
        await _store.RunAsync(
            "INSERT INTO link_objects (tenant, volume_tenant, volume, place, key, sha256, size, uploaded, expires_at, due) "
                + "VALUES ('acme', 'acme', 'files', 'p', 'k', x'00', 1, 1, @later, @later)",
            ("@later", DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())
        );
        Assert.That(await Store.DeleteTenantAsync("acme", "bob"), Is.EqualTo(DeleteResult.InUse));
    }

    protected override void Reopen() => _store.Close();

    protected override Task QueueMailAsync(AccountKey account, int queueState) =>
        _store.RunAsync(
            "INSERT INTO queue (lane, priority, due, state, revision, attempt, round, recipients, expires_at) VALUES "
                + "(@account, 2, 0, @state, 1, 0, 0, 1, 0)",
            ("@account", account.Number),
            ("@state", queueState)
        );

    protected override IReadOnlyList<(string, string, string, string?, string?)> Audit() =>
        _store.Query(
            "SELECT actor, action, object, before, after FROM audit ORDER BY number",
            row => (row.GetString(0), row.GetString(1), row.GetString(2), row.TextOrNull(3), row.TextOrNull(4))
        );

    private Task PutAsync(string id, string token) =>
        Store.PutTenantAsync(
            new()
            {
                Id = id,
                Name = id,
                AttachmentEndpoint = new(new("https://files.example.com/"), new SourceAuth.Bearer(token)),
            },
            "ann"
        );
}
