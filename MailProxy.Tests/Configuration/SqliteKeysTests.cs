using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Keys;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Storage.Sqlite;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Configuration;

internal sealed class SqliteKeysTests : KeyStoreContract
{
    private TemporaryStore _store = null!;

    protected override IConfigurationStore Store => new SqlConfigurationStore(_store.Database, _store.Box, TimeProvider.System);

    protected override IKeyUseStore Uses => new SqlKeyUseStore(_store.Database);

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
    public async Task DeleteTenant_TakesItsKeys()
    {
        await Store.PutTenantAsync(new() { Id = "acme", Name = "a" }, "ann");
        foreach (var tenant in (string[])["acme", "default"])
            await Store.PutKeyAsync(
                new()
                {
                    Tenant = tenant,
                    Id = "k1",
                    Name = "n",
                    Hash = TenantKey.HashOf(tenant),
                    Scopes = KeyScopes.Read,
                    CreatedAt = 1,
                },
                "ann"
            );
        await Store.DeleteTenantAsync("acme", "bob");
        Assert.That((await Store.KeysAsync()).Select(k => k.Tenant), Is.EqualTo(new[] { "default" }));
        Assert.That((await AuditAsync()).Select(a => a.Subject), Does.Contain("key/acme/k1").And.Contain("tenant/acme"));
    }

    [Test]
    public async Task Audit_Appended_IsReadInPages()
    {
        var log = new SqlAuditLog(_store.Database, TimeProvider.System);
        for (var i = 1; i <= 3; i++)
            await log.AppendAsync("unknown", "key.refused", $"s{i}", "{}");
        var first = await log.ReadAsync(0, 2);
        var rest = await log.ReadAsync(first[^1].Number, 2);
        Assert.That(
            first.Concat(rest).Select(e => (e.Subject, e.Before, e.After)),
            Is.EqualTo(new[] { ("s1", (string?)null, "{}"), ("s2", null, "{}"), ("s3", null, "{}") })
        );
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

    [Test]
    public async Task Put_KeyOfAnIdThatAnotherWriterGave_IsNotMade()
    {
        using var turn = new ConfigurationTurn();
        var slow = new ConfigurationWriter<TenantKey>(KeyFields.Noun, Store, turn, static _ => { });
        await slow.LoadAsync();
        await Store.PutKeyAsync(Shop, "bob");
        var written = await slow.PutAsync("acme", "k1", static version => version == 0, _ => new(Shop with { Name = "Other" }), "ann");
        Assert.That(written.Result, Is.EqualTo(WriteResult.Changed));
        Assert.That((await Store.KeysAsync()).Single().Name, Is.EqualTo(Shop.Name));
    }

    protected override void Reopen() => _store.Close();

    protected override Task<IReadOnlyList<AuditEntry>> AuditAsync() =>
        new SqlAuditLog(_store.Database, TimeProvider.System).ReadAsync(0, 100);
}
