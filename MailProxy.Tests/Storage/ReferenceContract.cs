using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What a submission was judged by may be deleted before it is stored; the commit asks again.</summary>
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class ReferenceContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    [Test]
    public async Task Append_AccountDeletedMeanwhile_IsRefusedAndNothingIsStored()
    {
        await BuryAccountAsync();
        var file = await Bench.Spool.WriteAsync(Json("large"));

        var appended = await AppendAsync(Mail("m1") with { Body = new(default, file, 15) }, Mail("m2", account: new(2)));

        var lines = Lines(appended);
        Assert.That(lines[0].Problem?.Code, Is.EqualTo("unknown_account"));
        Assert.That(lines[0].Problem?.Errors.Single().Pointer, Is.EqualTo("/account"));
        Assert.That(lines[1].Problem, Is.Null);
        Assert.That(Bench.Look("m1"), Is.Null);
        Assert.That(appended.Tickets.Select(ticket => ticket.Lane), Is.EqualTo(new[] { new LaneKey(2) }));
        await Eventually.BecomesAsync(() => Task.FromResult(Bench.SpoolNames()), names => !names.Contains(file));
    }

    [Test]
    public async Task Append_OnlyAccountOfThePoolDeletedMeanwhile_IsRefused()
    {
        await BuryAccountAsync();
        var mail = Mail("m1", account: default(AccountKey)) with { Pool = await PutPoolAsync("both"), NotBy = "other", Only = Account };

        Assert.That((await PutAsync(mail)).Problem?.Errors.Single().Pointer, Is.EqualTo("/pool"));
        Assert.That(Bench.Look("m1"), Is.Null);
        Assert.That((await PutAsync(mail with { Only = new(2) })).Problem, Is.Null);
    }

    [Test]
    public async Task Append_ReplacementForADeletedAccount_LeavesTheStoredMessageAlone()
    {
        await TicketAsync(Mail("m1", account: new(2)));
        await BuryAccountAsync();

        var line = await PutAsync(Mail("m1", "two"));

        Assert.That(line.Problem?.Code, Is.EqualTo("unknown_account"));
        Assert.That((Look("m1").Revision, Look("m1").Account), Is.EqualTo((1, new AccountKey(2))));
    }

    [Test]
    public async Task Append_VolumeDeletedMeanwhile_NamesTheAttachment()
    {
        foreach (var (tenant, id) in new[] { ("default", "kept"), ("other", "shared"), ("other", "private") })
            await Bench.Configuration.PutVolumeAsync(
                new()
                {
                    Tenant = tenant,
                    Id = id,
                    Shared = id == "shared",
                    AdminSet = true,
                    Config = new VolumeConfig.Local("/srv"),
                },
                "test"
            );

        var good = await PutAsync(Mail("m1") with { Volumes = [(0, "kept"), (1, "shared")] });
        var gone = await PutAsync(Mail("m2") with { Volumes = [(0, "kept"), (2, "gone")] });
        var foreign = await PutAsync(Mail("m3") with { Volumes = [(0, "private")] });

        Assert.That(good.Problem, Is.Null);
        Assert.That(gone.Problem?.Errors.Single().Pointer, Is.EqualTo("/attachments/2/source"));
        Assert.That(foreign.Problem?.Code, Is.EqualTo("unknown_volume"));
    }

    [Test]
    public async Task Append_RefusedByTheCommit_IsToldToTheIdempotencyKeyToo()
    {
        await BuryAccountAsync();
        var rendered = new List<ReceiptLine>();
        var claim = new IdempotencyClaim(
            "key",
            [1],
            lines =>
            {
                rendered.AddRange(lines);
                return null;
            }
        );

        await In30(Store.AppendNowAsync([Batch(claim, Mail("m1"))]));

        Assert.That(rendered.Single().Problem?.Code, Is.EqualTo("unknown_account"));
    }

    [Test]
    public async Task Retry_AccountDeletedMeanwhile_IsRefused()
    {
        await SettleAsync(Failed(await MarkedAsync(Mail("m1"))));
        await BuryAccountAsync();

        var result = await ChangeAsync("m1", new MessageChange.Retry(Now + 60_000));

        Assert.That(result, Is.EqualTo(new ChangeResult.Conflict("account_deleted", MessageState.Failed)));
        Assert.That(Look("m1").Queue, Is.Null);
    }
}
