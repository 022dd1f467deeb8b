using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Storage.Sqlite;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace MailProxy.Tests.Configuration;

internal sealed class SqliteTenantsTests
{
    private static Tenant Acme => ConfigurationSamples.Acme;

    private TemporaryStore _store = null!;

    private IConfigurationStore Store => new SqlConfigurationStore(_store.Database, _store.Box, TimeProvider.System);

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
            () => SqlSecrets.OpenAsync(_store.Database, new(null, null, _store.Path), TimeProvider.System, NullLogger.Instance),
            Throws.TypeOf<StoreRefusedException>().With.Message.Contains(_store.Key.Id)
        );
    }

    [Test]
    public async Task Delete_Tenant_TakesItsVolumesKeysAndSuspendedBatchesAndTellsWhatTheyWere()
    {
        await PutAsync("acme", "one");
        var batches = new SqlBatchStore(_store.Database, TimeProvider.System);
        foreach (var tenant in (string[])["acme", "default"])
        {
            await Store.PutVolumeAsync(
                new()
                {
                    Tenant = tenant,
                    Id = "files",
                    Config = new VolumeConfig.Http(new("https://files.example.com/"), null),
                },
                "ann"
            );
            await batches.SetSuspendedAsync(tenant, "news", true, "ann");
            await Store.PutKeyAsync(
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
        Assert.That((await Store.VolumesAsync()).Select(v => v.Tenant), Is.EqualTo(new[] { "default" }));
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
        await Store.PutVolumeAsync(
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

    [Test]
    public async Task Delete_Tenant_ForgetsWhatItsLimitsWereCountedUnder()
    {
        await PutAsync("acme", "one");
        var number = (await Store.TenantsAsync()).Single(t => t.Id == "acme").Number;
        await _store.RunAsync(
            "INSERT INTO limit_uses (key, window, slot, count) VALUES (-@number, 60, 0, 5), (@number, 60, 0, 6), (-1, 60, 0, 7)",
            ("@number", number)
        );
        await Store.DeleteTenantAsync("acme", "ann");
        Assert.That(_store.Query("SELECT count FROM limit_uses ORDER BY count", row => row.GetInt32(0)), Is.EqualTo(new[] { 6, 7 }));
    }

    [Test]
    public async Task Read_RowOfAnEarlierVersion_IsWholeAndIsWrittenAsItWas()
    {
        await _store.RunAsync(
            "INSERT INTO tenants (id, config, attachment_auth, created_at, updated_at) VALUES ('acme', @config, @auth, 1, 1)",
            ("@config", EarlierRow),
            ("@auth", _store.Box.Seal("""{"user":"ann","password":"hunter2"}""", "tenant/acme/attachment_auth"))
        );
        Assert.That(await AcmeAsync(), Is.EqualTo(Acme));
        await Store.PutTenantAsync(Acme, "ann");
        var written = _store.Query("SELECT config FROM tenants WHERE id = 'acme'", row => row.GetString(0)).Single();
        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(written), JsonNode.Parse(EarlierRow)), written);
    }

    [TestCase("""{"name":"Acme"}""")]
    [TestCase("""{"name":"Acme","active":true}""")]
    public async Task Read_RowThatSaysLittle_IsActive(string config)
    {
        await InsertAsync(config);
        Assert.That(await AcmeAsync(), Is.EqualTo(new Tenant { Id = "acme", Name = "Acme" }));
    }

    [TestCase("""{"name":"Acme","retain":"forever"}""")]
    [TestCase("""{"name":"Acme","large_files":{"threshold":1,"action":"drop","lifetime_days":1}}""")]
    [TestCase("no JSON")]
    public async Task Read_RowThatCannotBeRead_IsRefused(string config)
    {
        await InsertAsync(config);
        Assert.That(Store.TenantsAsync, Throws.TypeOf<StoreRefusedException>().With.Message.Contains("tenant/acme"));
    }

    private const string EarlierRow = """
        {"name":"Acme & Söhne","default_account":"main","active":false,"retain":"7d",
         "limits":{"per_second":2,"per_hour":500,"burst":5,"count_messages":true,"fail_when_reached":true},
         "expires_after_seconds":129600,"retry_minutes":[0.5,10],
         "large_files":{"threshold":5000000000,"action":"link","volume":"files","lifetime_days":14},
         "attachment_url":"https://files.example.com/base?x=1"}
        """;

    private Task InsertAsync(string config) =>
        _store.RunAsync("INSERT INTO tenants (id, config, created_at, updated_at) VALUES ('acme', @config, 1, 1)", ("@config", config));

    private async Task<Tenant> AcmeAsync() => (await Store.TenantsAsync()).Single(t => t.Id == "acme") with { Number = 0 };

    private IReadOnlyList<(string, string, string, string?, string?)> Audit() =>
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
