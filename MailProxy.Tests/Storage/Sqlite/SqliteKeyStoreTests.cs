using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

internal sealed class SqliteKeyStoreTests : KeyStoreContract
{
    private TemporaryStore _store = null!;

    protected override IKeyStore Store => new SqliteKeyStore(_store.Database, TimeProvider.System);

    [SetUp]
    public void Open() => _store = new();

    [TearDown]
    public void Remove() => _store.Dispose();

    [Test]
    public async Task Create_Key_ItselfIsNowhereInTheFiles()
    {
        await Store.CreateKeyAsync(
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
        var tenants = new SqliteTenantStore(_store.Database, _store.Box, TimeProvider.System);
        await tenants.PutTenantAsync(new() { Id = "acme", Name = "a" }, "ann");
        foreach (var tenant in (string[])["acme", "default"])
            await Store.CreateKeyAsync(
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
        await tenants.DeleteTenantAsync("acme", "bob");
        Assert.That((await Store.KeysAsync()).Select(k => k.Tenant), Is.EqualTo(new[] { "default" }));
        Assert.That((await AuditAsync()).Select(a => a.Subject), Does.Contain("key/acme/k1").And.Contain("tenant/acme"));
    }

    [Test]
    public async Task Audit_Appended_IsReadInPages()
    {
        var log = new SqliteAuditLog(_store.Database, TimeProvider.System);
        for (var i = 1; i <= 3; i++)
            await log.AppendAsync("unknown", "key.refused", $"s{i}", "{}");
        var first = await log.ReadAsync(0, 2);
        var rest = await log.ReadAsync(first[^1].Number, 2);
        Assert.That(
            first.Concat(rest).Select(e => (e.Subject, e.Before, e.After)),
            Is.EqualTo(new[] { ("s1", (string?)null, "{}"), ("s2", null, "{}"), ("s3", null, "{}") })
        );
    }

    protected override void Reopen() => _store.Close();

    protected override Task<IReadOnlyList<AuditEntry>> AuditAsync() =>
        new SqliteAuditLog(_store.Database, TimeProvider.System).ReadAsync(0, 100);
}
