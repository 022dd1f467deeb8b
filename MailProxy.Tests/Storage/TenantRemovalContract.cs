using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>A tenant made anew under an old id finds nothing of the old one.</summary>
[TestOf(typeof(ITenantRemoval))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class TenantRemovalContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private IConfigurationStore Tenants => Bench.Configuration;

    private ITenantRemoval Removal => Bench.Removal;

    [Test]
    public async Task Delete_FinishedMail_GoesWithItsTenantAndNobodyElses()
    {
        await Tenants.PutTenantAsync(new() { Id = "acme", Name = "Acme" }, "ann");
        var file = await Bench.Spool.WriteAsync(Json("large"));
        for (var i = 0; i < 450; i++)
            await FinishAsync("acme", $"m{i}", i == 7 ? file : null);
        await FinishAsync("other", "m1", null);
        foreach (var tenant in (string[])["acme", "other"])
        {
            await Bench.Log.AppendAsync(tenant, EventType.AccountThrottled, null, null, 1);
            var claim = new IdempotencyClaim("k", [1], static _ => new(202, [1]));
            await In30(Store.AppendNowAsync([new AcceptedBatch(new Submission(tenant, [], claim), [])]));
        }

        Assert.That(await Tenants.DeleteTenantAsync("acme", "ann"), Is.EqualTo(DeleteResult.Deleted));
        Assert.That(await Removal.RemoveAsync("acme", 1), Is.False);
        Assert.That(await Removal.RemoveAsync("acme", 100), Is.True);

        Assert.Multiple(() =>
        {
            Assert.That(
                (Bench.Count("messages"), Bench.Count("bodies"), Bench.Count("recipients"), Bench.Count("idempotency")),
                Is.EqualTo((1L, 1L, 1L, 1L))
            );
            Assert.That(Bench.Count("events"), Is.EqualTo(Look("other", "m1").Events.Count + 1));
            Assert.That(Bench.SpoolNames(), Does.Not.Contain(file));
            Assert.That(Bench.Count("removed_tenants"), Is.Zero);
        });
    }

    [Test]
    public async Task Delete_CrashBeforeTheRemoval_RetentionGoesOnWithIt()
    {
        await Tenants.PutTenantAsync(new() { Id = "acme", Name = "Acme" }, "ann");
        await FinishAsync("acme", "m1", null);
        await Tenants.DeleteTenantAsync("acme", "ann");
        Bench.Crash();

        var rules = new RetentionRules(_ => Retention.None, TimeSpan.FromDays(3), TimeSpan.FromDays(30), TimeSpan.FromDays(30));
        while ((await Bench.Retention.PurgeAsync(rules, Now)).More) { }

        Assert.That((Bench.Count("messages"), Bench.Count("removed_tenants")), Is.EqualTo((0L, 0L)));
    }

    [Test]
    public async Task Remove_TenantThatLives_LeavesItAlone()
    {
        await FinishAsync("default", "m1", null);
        Assert.That(await Removal.RemoveAsync("default", 10), Is.True);
        await ((SqlTenantRemoval)Removal).RemoveSliceAsync("default"); // as if it had been deleted and made anew since somebody looked
        Assert.That(Bench.Count("messages"), Is.EqualTo(1));
    }

    private async Task FinishAsync(string tenant, string id, string? file)
    {
        var mail = Mail(id) with { Key = new(tenant, id) };
        if (file is not null)
            mail = mail with { Body = new(default, file, 15) };
        await In30(Store.AppendNowAsync([new(new Submission(tenant, [], null), [new(mail, id, null)])]));
        await In30(Store.ChangeAsync(new(tenant, id), new MessageChange.Cancel(), "ann", Now));
    }

    private StoredLook Look(string tenant, string id) => Bench.Look(id, tenant)!;
}
