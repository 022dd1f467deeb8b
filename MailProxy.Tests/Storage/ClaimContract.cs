using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

[TestOf(typeof(IMessageStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class ClaimContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    [Test]
    public async Task Claim_ReleasedMail_ComesInOrderOfPriorityThenArrival()
    {
        await WaitingAsync(Mail("low", priority: Priority.Low), Mail("m1"), Mail("m2"), Mail("now", priority: Priority.Immediate));

        var page = await ClaimAsync();

        Assert.That(Ids(page), Is.EqualTo(new[] { "now", "m1", "m2", "low" }));
        Assert.That((page.More, page.NextDue), Is.EqualTo((false, long.MaxValue)));
    }

    [Test]
    public async Task Claim_ClaimedMail_IsNobodyElsesUntilReleased()
    {
        await WaitingAsync(Mail("m1"), Mail("m2"));
        var first = await ClaimAsync(1);

        Assert.That(Ids(await ClaimAsync()), Is.EqualTo(new[] { "m2" }));

        Store.Release(first.Tickets[0]);
        Assert.That(Ids(await ClaimAsync()), Is.EqualTo(new[] { "m1" }));
    }

    [Test]
    public async Task Claim_FewerThanThereAre_SaysMore()
    {
        await WaitingAsync(Mail("m1"), Mail("m2"), Mail("m3"));

        Assert.That((await ClaimAsync(2)).More, Is.True);
        Assert.That((await ClaimAsync(1)).More, Is.False);
    }

    [Test]
    public async Task Claim_FreshAndDeferred_ShareEqually()
    {
        await DeferredAsync("d1", Now + 1000);
        await DeferredAsync("d2", Now + 2000);
        await DeferredAsync("d3", Now + 3000);
        await WaitingAsync(Mail("f1"), Mail("f2"), Mail("f3"));
        Bench.Clock.Advance(TimeSpan.FromSeconds(10));

        Assert.That(Ids(await ClaimAsync(4)), Is.EqualTo(new[] { "f1", "d1", "f2", "d2" }));
    }

    [Test]
    public async Task Claim_OnlyDeferred_TakesTheWholePage()
    {
        await DeferredAsync("late", Now + 2000);
        await DeferredAsync("early", Now + 1000);
        Bench.Clock.Advance(TimeSpan.FromSeconds(10));

        Assert.That(Ids(await ClaimAsync(2)), Is.EqualTo(new[] { "early", "late" }));
    }

    [Test]
    public async Task Claim_MailNotYetDue_StaysAndTellsWhen()
    {
        await AppendAsync(Mail("m1", sendAt: Now + 60_000), Mail("m2", sendAt: Now + 30_000, priority: Priority.Low));

        var page = await ClaimAsync();

        Assert.That(page.Tickets, Is.Empty);
        Assert.That((page.More, page.NextDue), Is.EqualTo((false, Now + 30_000)));
    }

    [Test]
    public async Task Claim_ScheduledMailWhoseTimeHasCome_IsClaimed()
    {
        await AppendAsync(Mail("m1", sendAt: Now + 60_000));
        Bench.Clock.Advance(TimeSpan.FromMinutes(1));

        Assert.That((await ClaimAsync()).Tickets.Single().Due, Is.EqualTo(Now));
    }

    [Test]
    public async Task Claim_OtherLane_IsNotSeen()
    {
        await WaitingAsync(Mail("m1", account: new AccountKey(2)));

        Assert.That((await ClaimAsync()).Tickets, Is.Empty);
        Assert.That((await ClaimAsync(lane: new LaneKey(2))).Tickets, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Claim_LowestPriority_LeavesTheRestAndSaysMore()
    {
        await WaitingAsync(Mail("m1", priority: Priority.Low), Mail("m2", priority: Priority.High));

        var page = await ClaimAsync(lowest: Priority.High);

        Assert.That(Ids(page), Is.EqualTo(new[] { "m2" }));
        Assert.That(page.More, Is.True);
    }

    [Test]
    public async Task Claim_HeldMarkedAndExpiredMail_IsNotClaimed()
    {
        await AppendAsync(Mail("held"));
        await ChangeAsync("held", new MessageChange.Hold());
        await MarkedAsync(Mail("marked"));
        await WaitingAsync(Mail("old", expiresAt: Now));
        Store.Release((await AppendAsync(Mail("ready"))).Tickets[0]);

        Assert.That(Ids(await ClaimAsync()), Is.EqualTo(new[] { "ready" }));
    }

    [Test]
    public async Task Release_OldTicketOfReplacedMail_KeepsTheNewClaim()
    {
        var old = await TicketAsync(Mail("m1"));
        await AppendAsync(Mail("m1", "two"));

        Store.Release(old);

        Assert.That((await ClaimAsync()).Tickets, Is.Empty);
    }

    private async Task WaitingAsync(params AcceptedMail[] mails)
    {
        foreach (var ticket in (await AppendAsync(mails)).Tickets)
            Store.Release(ticket);
    }

    private async Task DeferredAsync(string id, long due)
    {
        var ticket = await MarkedAsync(Mail(id));
        await SettleAsync(Put(ticket, due));
        Store.Release(ticket);
    }

    private IEnumerable<string> Ids(ClaimedPage page)
    {
        string[] known =
        [
            "low",
            "m1",
            "m2",
            "m3",
            "now",
            "d1",
            "d2",
            "d3",
            "f1",
            "f2",
            "f3",
            "late",
            "early",
            "held",
            "marked",
            "old",
            "ready",
        ];
        var names = known.Where(k => Bench.Look(k) is not null).ToDictionary(k => Look(k).Number);
        return page.Tickets.Select(t => names[t.Id]);
    }
}
