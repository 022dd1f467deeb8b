using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Configuration.Keys;
using MailProxy.Pipeline.Configuration.Tenants;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Tests.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Configuration;

/// <summary>Several who change the same thing, of whom none takes back what another wrote.</summary>
[TestOf(typeof(IConfigurationStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class ConfigurationWriterContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private static TenantKey Shop => ConfigurationSamples.Shop;

    private new IConfigurationStore Store => Bench.Configuration;

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

    [Test]
    public async Task Delete_Tenant_WhatItHadIsOutOfForceInTheSameTurn()
    {
        await PutTenantAsync("acme", "one");
        var key = new TenantKey
        {
            Tenant = "acme",
            Id = "k1",
            Name = "Shop",
            Hash = TenantKey.HashOf("the-key"),
            Scopes = KeyScopes.Read,
            CreatedAt = 0,
        };
        await Store.PutKeyAsync(key, "ann");
        var (inForce, tenants) = (new CurrentKeys(), new CurrentTenants());
        using var turn = new ConfigurationTurn();
        var keys = new ConfigurationWriter<TenantKey>(KeyFields.Noun, Store, turn, all => inForce.Swap(new([.. all.Values])));
        var writer = new ConfigurationWriter<Tenant>(
            TenantFields.Noun,
            Store,
            turn,
            all => tenants.Swap(new([.. all.Values])),
            then: keys.ReloadAsync
        );
        await writer.LoadAsync();
        Assert.That((inForce.Directory.Find(key.Hash) is null, tenants.Directory.Find("acme") is null), Is.EqualTo((false, false)));

        var deleted = await writer.DeleteAsync("acme", "acme", static _ => true, static _ => true, "ann");
        Assert.That(deleted, Is.EqualTo(DeleteResult.Deleted));
        Assert.That((inForce.Directory.Find(key.Hash) is null, tenants.Directory.Find("acme") is null), Is.EqualTo((true, true)));
    }

    [Test]
    public async Task PutTenant_AnotherWriterWasFaster_IsDecidedAnewOverWhatItWrote()
    {
        await PutTenantAsync("acme", "first");
        using var turn = new ConfigurationTurn();
        var slow = new ConfigurationWriter<Tenant>(TenantFields.Noun, Store, turn, static _ => { });
        await slow.LoadAsync();
        await PutTenantAsync("acme", "second");
        var over = new List<SourceAuth?>();
        var written = await slow.PutAsync(
            "acme",
            "acme",
            static _ => true,
            before =>
            {
                over.Add(before!.Value!.AttachmentEndpoint!.Auth);
                return new(before.Value with { Active = false });
            },
            "ann"
        );
        Assert.That(over, Is.EqualTo(new[] { new SourceAuth.Bearer("first"), new SourceAuth.Bearer("second") }));
        Assert.That(written.Result, Is.EqualTo(WriteResult.Replaced));
        var stored = (await Store.TenantsAsync()).Single(t => t.Id == "acme");
        Assert.That((stored.Active, stored.AttachmentEndpoint!.Auth), Is.EqualTo((false, new SourceAuth.Bearer("second"))));
    }

    [Test]
    public async Task PutVolume_AnotherWriterWasFaster_IsDecidedAnewOverWhatItWrote()
    {
        await Store.PutVolumeAsync(Hook("first"), "ann");
        using var turn = new ConfigurationTurn();
        var slow = new ConfigurationWriter<Volume>(VolumeFields.Noun, Store, turn, static _ => { });
        await slow.LoadAsync();
        await Store.PutVolumeAsync(Hook("second"), "bob");
        var over = new List<string>();
        var written = await slow.PutAsync(
            "default",
            "files",
            static _ => true,
            before =>
            {
                over.Add(((SourceAuth.Bearer)((VolumeConfig.Http)before!.Value!.Config).Auth!).Token);
                return new(before.Value with { Shared = true });
            },
            "ann"
        );
        Assert.That(over, Is.EqualTo(["first", "second"]));
        Assert.That(written.Result, Is.EqualTo(WriteResult.Replaced));
        Assert.That((await Store.VolumesAsync()).Single(), Is.EqualTo(Hook("second") with { Shared = true }));
    }

    [Test]
    public async Task Put_AnotherWriterPausedItMeanwhile_KeepsThePause()
    {
        await Store.PutAccountAsync(Relay("one", "a"), "ann");
        using var turn = new ConfigurationTurn();
        var slow = new ConfigurationWriter<SmtpAccount>(AccountFields.Noun, Store, turn, static _ => { });
        await slow.LoadAsync();
        await Store.SetPausedAsync("default", "one", true, "bob");
        using var body = System.Text.Json.JsonDocument.Parse(
            """{"host":"smtp.example.com","port":25,"security":"none","verify_certificate":true,"auth":{"user":"u"}}"""
        );
        var asked = 0;
        var written = await slow.PutAsync(
            "default",
            "one",
            static _ => true,
            before =>
            {
                asked++;
                var members = new MemberReader(body.RootElement);
                var value = AccountFields.Noun.Fields.Bind(members, AccountFields.Noun.New("default", "one"), before!.Value);
                Assert.That(members.Errors, Is.Empty);
                return new(value);
            },
            "ann"
        );
        var stored = (await Store.AccountsAsync()).Single();
        Assert.That((asked, written.Result), Is.EqualTo((2, WriteResult.Replaced)));
        Assert.That((stored.Paused, stored.Password, stored.Version), Is.EqualTo((true, "a", written.After!.Version)));
    }

    private static Volume Hook(string token) =>
        new()
        {
            Tenant = "default",
            Id = "files",
            Config = new VolumeConfig.Http(new("https://x/"), new SourceAuth.Bearer(token)),
        };

    private static SmtpAccount Relay(string id, string password) =>
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

    private Task PutTenantAsync(string id, string token) =>
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
