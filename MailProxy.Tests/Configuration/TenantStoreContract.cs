using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Configuration;

/// <summary>What every tenant store does.</summary>
[TestOf(typeof(IConfigurationStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class TenantStoreContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private static readonly SourceAuth[] Auths =
    [
        new SourceAuth.Basic("u", "p"),
        new SourceAuth.Bearer("t"),
        new SourceAuth.Header("X-Api-Key", "v"),
    ];

    private static Tenant Acme => ConfigurationSamples.Acme;

    private new IConfigurationStore Store => Bench.Configuration;

    private IDeliveryLog Log => Bench.Log;

    private void Reopen() => Bench.Crash();

    private Task QueueMailAsync(AccountKey account, int queueState) => Bench.SeedAsync([SeedMessage.InQueue(account, queueState)]);

    private IReadOnlyList<AuditEntry> Audit() => Bench.Audit();

    [Test]
    public async Task Tenants_FreshStore_IsDefaultOnly()
    {
        var tenant = (await Store.TenantsAsync()).Single();
        Assert.That(tenant, Is.EqualTo(TenantDirectory.Initial.All.Single() with { Number = 1 }));
    }

    [Test]
    public async Task Put_NewTenant_ComesBackWhole()
    {
        Assert.That(await Store.PutTenantAsync(Acme, "ann"), Is.True);
        Reopen();
        Assert.That((await Store.TenantsAsync()).Select(t => t.Id), Is.EqualTo(["acme", "default"]));
        Assert.That(await AcmeAsync(), Is.EqualTo(Acme));
    }

    [Test]
    public async Task Put_AfterDelete_HasAnotherNumberSoThatItInheritsNoCounts()
    {
        async Task<int> NumberAsync() => (await Store.TenantsAsync()).Single(t => t.Id == "acme").Number;
        await Store.PutTenantAsync(Acme, "ann");
        var first = await NumberAsync();
        await Store.PutTenantAsync(Acme with { Name = "Acme" }, "ann");
        Assert.That(await NumberAsync(), Is.EqualTo(first));

        await Store.DeleteTenantAsync("acme", "ann");
        await Store.PutTenantAsync(Acme, "ann");
        Assert.That(await NumberAsync(), Is.GreaterThan(first));
    }

    [TestCaseSource(nameof(Auths))]
    public async Task Put_EveryAuth_ComesBack(SourceAuth auth)
    {
        await Store.PutTenantAsync(Acme with { AttachmentEndpoint = new(new("https://files.example.com/"), auth) }, "ann");
        Assert.That((await AcmeAsync()).AttachmentEndpoint!.Auth, Is.EqualTo(auth));
    }

    [TestCase("none")]
    [TestCase("until_reported")]
    [TestCase("3650d")]
    public async Task Put_EveryRetention_ComesBack(string retain)
    {
        await Store.PutTenantAsync(Acme with { Retain = Retention.Parse(retain) }, "ann");
        Assert.That((await AcmeAsync()).Retain?.ToString(), Is.EqualTo(retain));
    }

    [Test]
    public async Task Put_KnownTenant_ReplacesAll()
    {
        await Store.PutTenantAsync(Acme, "ann");
        var bare = new Tenant { Id = "acme", Name = "Acme" };
        Assert.That(await Store.PutTenantAsync(bare, "ann"), Is.False);
        Assert.That(await AcmeAsync(), Is.EqualTo(bare));
    }

    [Test]
    public async Task Put_Default_IsReplaced()
    {
        Assert.That(await Store.PutTenantAsync(Acme with { Id = "default" }, "ann"), Is.False);
        Assert.That((await Store.TenantsAsync()).Single().Name, Is.EqualTo(Acme.Name));
    }

    [Test]
    public async Task Delete_Tenant_TakesItsAccountsAndWebhooksAndNobodyElses()
    {
        await Store.PutTenantAsync(Acme, "ann");
        foreach (var tenant in (string[])["acme", "default"])
        {
            await Store.PutAccountAsync(Relay(tenant), "ann");
            await Store.PutEndpointAsync(new(tenant, "hook", "https://example.com/", "whsec_abc", [], false, 1, false, new(0)), "ann");
        }

        Assert.That(await Store.DeleteTenantAsync("acme", "bob"), Is.EqualTo(DeleteResult.Deleted));
        Assert.Multiple(async () =>
        {
            Assert.That((await Store.TenantsAsync()).Select(t => t.Id), Is.EqualTo(["default"]));
            Assert.That((await Store.AccountsAsync()).Select(a => a.Tenant), Is.EqualTo(["default"]));
            Assert.That((await Log.EndpointsAsync()).Select(e => e.Tenant), Is.EqualTo(["default"]));
            Assert.That(
                Audit().Where(a => a.Actor == "bob").Select(a => (a.Action, a.Subject)),
                Is.EqualTo([
                    ("account.delete", "account/acme/main"),
                    ("webhook.delete", "webhook/acme/hook"),
                    ("tenant.delete", "tenant/acme"),
                ])
            );
            Assert.That(
                Audit().Where(a => a.Actor == "bob").Select(a => (a.Before is null, a.After)),
                Is.All.EqualTo((false, (string?)null)),
                "what it was"
            );
        });
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    public async Task Delete_UnfinishedMail_IsInUseAndNothingGoes(int queueState)
    {
        await Store.PutTenantAsync(Acme, "ann");
        await Store.PutAccountAsync(Relay("acme"), "ann");
        await QueueMailAsync((await Store.AccountsAsync()).Single().Key, queueState);

        Assert.That(await Store.DeleteTenantAsync("acme", "ann"), Is.EqualTo(DeleteResult.InUse));
        Assert.That(await Store.AccountsAsync(), Has.Count.EqualTo(1));
        Assert.That(await AcmeAsync(), Is.EqualTo(Acme));
    }

    [Test]
    public async Task Delete_MailOfAnotherTenant_DoesNotMatter()
    {
        await Store.PutTenantAsync(Acme, "ann");
        await Store.PutAccountAsync(Relay("default"), "ann");
        await QueueMailAsync((await Store.AccountsAsync()).Single().Key, 0);
        Assert.That(await Store.DeleteTenantAsync("acme", "ann"), Is.EqualTo(DeleteResult.Deleted));
    }

    [Test]
    public async Task Delete_Unknown_IsNotFound() =>
        Assert.That(await Store.DeleteTenantAsync("acme", "ann"), Is.EqualTo(DeleteResult.NotFound));

    [Test]
    public async Task Delete_Default_IsRefused()
    {
        Assert.That(await Store.DeleteTenantAsync("default", "ann"), Is.EqualTo(DeleteResult.InUse));
        Assert.That(await Store.TenantsAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Audit_EveryChange_TellsWhoAndWhatWithoutSecrets()
    {
        await Store.PutTenantAsync(Acme, "ann");
        await Store.PutTenantAsync(
            Acme with
            {
                AttachmentEndpoint = Acme.AttachmentEndpoint! with { Auth = new SourceAuth.Bearer("swordfish") },
            },
            "bob"
        );
        await Store.PutTenantAsync(Acme with { Active = true, AttachmentEndpoint = null }, "bob");
        await Store.DeleteTenantAsync("acme", "bob");

        var audit = Audit();
        Assert.Multiple(() =>
        {
            Assert.That(
                audit.Select(a => (a.Actor, a.Action, a.Subject)),
                Is.EqualTo([
                    ("ann", "tenant.create", "tenant/acme"),
                    ("bob", "tenant.replace", "tenant/acme"),
                    ("bob", "tenant.replace", "tenant/acme"),
                    ("bob", "tenant.delete", "tenant/acme"),
                ])
            );
            Assert.That(string.Concat(audit.Select(a => a.Before + a.After)), Does.Not.Contain("hunter2").And.Not.Contain("swordfish"));
            Assert.That(audit[0].Before, Is.Null);
            Assert.That(audit[0].After, Does.Contain("files.example.com").And.Contain("\"auth_set\":true").And.Contain("\"active\":false"));
            Assert.That(audit[1].After, Does.Contain("\"auth_changed\":true"));
            Assert.That(audit[2].After, Does.Contain("\"auth_set\":false"));
            Assert.That(audit[3].After, Is.Null);
            Assert.That(
                audit[0].After,
                Does.Contain("\"attachment_url\":\"https://files.example.com/base?x=***\"").And.Contain("\"expires_after_seconds\":129600")
            );
        });
    }

    private static SmtpAccount Relay(string tenant) =>
        new()
        {
            Key = default,
            Tenant = tenant,
            Id = "main",
            Version = 0,
            Host = "smtp.example.com",
            Port = 25,
            User = "u",
            Password = "p",
        };

    // As it was put: the number is the store's to give.
    private async Task<Tenant> AcmeAsync() => (await Store.TenantsAsync()).Single(t => t.Id == "acme") with { Number = 0 };
}
