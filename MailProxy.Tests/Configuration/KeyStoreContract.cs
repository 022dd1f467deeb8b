using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Tests.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Configuration;

/// <summary>What every key store does.</summary>
[TestOf(typeof(IKeyUseStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class KeyStoreContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private static TenantKey Shop => ConfigurationSamples.Shop;

    private new IConfigurationStore Store => Bench.Configuration;

    private IKeyUseStore Uses => Bench.KeyUses;

    private void Reopen() => Bench.Crash();

    [Test]
    public async Task Create_Key_ComesBackWhole()
    {
        await Store.PutKeyAsync(Shop, "ann");
        Reopen();
        var stored = (await Store.KeysAsync()).Single();
        Assert.That(stored.Hash, Is.EqualTo(Shop.Hash));
        Assert.That(stored.AllowedNetworks, Is.EqualTo(Shop.AllowedNetworks));
        Assert.That(stored with { Hash = Shop.Hash, AllowedNetworks = Shop.AllowedNetworks }, Is.EqualTo(Shop));
    }

    [Test]
    public async Task Create_SameIdInTwoTenants_AreTwoKeys()
    {
        await Store.PutKeyAsync(Shop, "ann");
        await Store.PutKeyAsync(Shop with { Tenant = "beta", Hash = TenantKey.HashOf("another") }, "ann");
        await Store.DeleteKeyAsync("acme", "k1", "ann");
        Assert.That((await Store.KeysAsync()).Select(k => k.Tenant), Is.EqualTo(new[] { "beta" }));
    }

    [Test]
    public async Task Delete_Unknown_IsNotFound()
    {
        await Store.PutKeyAsync(Shop, "ann");
        Assert.That(await Store.DeleteKeyAsync("beta", "k1", "ann"), Is.EqualTo(DeleteResult.NotFound));
        Assert.That(await Store.DeleteKeyAsync("acme", "k2", "ann"), Is.EqualTo(DeleteResult.NotFound));
    }

    [Test]
    public async Task NoteUse_Known_NeverGoesBack()
    {
        await Store.PutKeyAsync(Shop, "ann");
        await Uses.NoteUseAsync("acme", "k1", 5_000);
        await Uses.NoteUseAsync("acme", "k1", 4_000);
        await Uses.NoteUseAsync("acme", "gone", 9_000);
        Assert.That((await Store.KeysAsync()).Single().LastUsedAt, Is.EqualTo(5_000));
    }

    [Test]
    public async Task Audit_Changes_TellWhoAndWhatWithoutTheHash()
    {
        await Store.PutKeyAsync(Shop, "ann");
        await Uses.NoteUseAsync("acme", "k1", 5_000);
        await Store.DeleteKeyAsync("acme", "k1", "bob");

        var audit = Bench.Audit();
        Assert.That(
            audit.Select(a => (a.Actor, a.Action, a.Subject)),
            Is.EqualTo([("ann", "key.create", "key/acme/k1"), ("bob", "key.delete", "key/acme/k1")])
        );
        Assert.That(
            audit[0].After,
            Is.EqualTo(
                """{"name":"Shop \u0026 Co","scopes":["send","manage"],"allowed_networks":["10.0.0.0/8","2001:db8::/32"],"expires_at":2000}"""
            )
        );
        Assert.That(audit[1].Before, Is.EqualTo(audit[0].After));
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
        Assert.That(Bench.Audit().Select(a => a.Subject), Does.Contain("key/acme/k1").And.Contain("tenant/acme"));
    }
}
