using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What a store tells of its lanes to nodes that pass them to each other; what they take over stands beside it.</summary>
[TestOf(typeof(ILaneStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class LaneStoreContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private ILaneStore LaneStore => (ILaneStore)Store;

    [Test]
    public async Task Lanes_WithWaitingMail_TellWhenTheEarliestIsDue()
    {
        var (one, two) = (Lanes.Of(new AccountKey(1)), Lanes.Of(new AccountKey(2)));
        await AppendAsync(Mail("m1", sendAt: Now + 60_000), Mail("m2", sendAt: Now + 30_000, account: new(2)));
        Assert.That(await LaneStore.LanesAsync(), Is.EquivalentTo(new[] { (one, Now + 60_000), (two, Now + 30_000) }));

        Store.Release(await TicketAsync(Mail("m3")));
        Assert.That(await LaneStore.LanesAsync(), Is.EquivalentTo(new[] { (one, 0), (two, Now + 30_000) }));
    }

    [Test]
    public async Task Lanes_NothingWaits_AreNone()
    {
        await SettleAsync(Sent(await MarkedAsync(Mail("m1"))));
        Assert.That(await LaneStore.LanesAsync(), Is.Empty);
    }

    [Test]
    public async Task TakeOver_LaneThatNobodyLeftAnythingIn_IsEmpty()
    {
        await TicketAsync(Mail("m1"));
        Assert.That((await LaneStore.TakeOverAsync([Lanes.Of(new AccountKey(7))], Now)).InDoubt, Is.Empty);
    }

    [Test]
    public async Task Sweep_BodyThatARowNames_Stays()
    {
        var file = await Bench.Spool.WriteAsync(Json("large"));
        var ticket = await TicketAsync(Mail("m1") with { Body = new(default, file, 15) });
        await LaneStore.SweepBodiesAsync();
        Assert.That(Bench.SpoolNames(), Does.Contain(file));
        Assert.That(await Store.LoadAsync(ticket, 50), Is.Not.Null);
    }
}
