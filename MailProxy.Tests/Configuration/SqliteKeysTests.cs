using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Storage.Sqlite;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Configuration;

internal sealed class SqliteKeysTests
{
    private static TenantKey Shop => ConfigurationSamples.Shop;

    private TemporaryStore _store = null!;

    private IConfigurationStore Store => new SqlConfigurationStore(_store.Database, _store.Box, TimeProvider.System);

    [SetUp]
    public void Open() => _store = new();

    [TearDown]
    public void Remove() => _store.Dispose();

    [Test]
    public async Task Create_Key_ItselfIsNowhereInTheFiles()
    {
        await Store.PutKeyAsync(
            new()
            {
                Tenant = "default",
                Id = "k1",
                Name = "n",
                Hash = TenantKey.HashOf("mpt_correct-horse"),
                Scopes = KeyScopes.Read,
                CreatedAt = 1,
            },
            "ann"
        );
        _store.Close();
        foreach (var file in Directory.GetFiles(_store.Path))
            Assert.That(Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file)), Does.Not.Contain("correct-horse"), file);
    }

    [Test]
    public async Task Read_RowOfAnEarlierVersion_IsWholeAndCanBeDeleted()
    {
        await _store.RunAsync(
            """
            INSERT INTO tenant_keys (tenant, id, name, hash, scopes, allowed_networks, created_at, expires_at)
            VALUES ('acme', 'k1', 'Shop & Co', @hash, 5, '["10.0.0.0/8","2001:db8::/32"]', 1000, 2000)
            """,
            ("@hash", Shop.Hash)
        );
        Assert.That((await Store.KeysAsync()).Single(), Is.EqualTo(Shop).UsingPropertiesComparer());
        Assert.That(await Store.DeleteKeyAsync("acme", "k1", "ann"), Is.EqualTo(DeleteResult.Deleted));
    }

    [Test]
    public async Task Put_Key_IsWrittenAsItWas()
    {
        await Store.PutKeyAsync(Shop, "ann");
        Assert.That(
            _store.Query(
                "SELECT scopes, allowed_networks, created_at, expires_at, last_used_at FROM tenant_keys",
                row => (row.GetInt32(0), row.GetString(1), row.GetInt64(2), row.GetInt64(3), row.NumberOrNull(4))
            ),
            Is.EqualTo(new[] { (5, """["10.0.0.0/8","2001:db8::/32"]""", 1_000L, 2_000L, (long?)null) })
        );
    }
}
