using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Send;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

/// <summary>What the store keeps in memory of mail that is sent soon: bounded, and never of mail that may not go.</summary>
[TestFixture]
internal sealed class ReadyContentsTests : MessageStoreContract<SqliteBench>
{
    private SqlBatchStore Batches => new(Bench.Database, Bench.Clock);

    [Test]
    public async Task Mail_OfASuspendedBatch_IsNotHandedOut([Values] bool suspendedBefore)
    {
        if (suspendedBefore)
            await Batches.SetSuspendedAsync("default", "b1", true, "ann");
        var tickets = (await AppendAsync(Mail("aside"), Mail("other") with { Batch = "b2" }, Mail("none") with { Batch = null })).Tickets;
        if (!suspendedBefore)
            await Batches.SetSuspendedAsync("default", "b1", true, "ann");

        Assert.That((await TogetherAsync(tickets)).Select(c => c?.Key.Id), Is.EqualTo(new[] { null, "other", "none" }));
    }

    [Test]
    public async Task ReplacedInTheSameTurn_OnlyTheLastIsHandedOut()
    {
        var (first, second) = (Batch(Mail("m1", "one")), Batch(Mail("m1", "two")));
        var ticket = (await In30(Store.AppendNowAsync([first, second]))).Tickets.Single();

        Assert.That((await TogetherAsync([ticket with { Revision = 1 }])).Single(), Is.Null);
        Assert.That((await TogetherAsync([ticket])).Single()!.Json.ToArray(), Is.EqualTo(Json("two")));
    }

    [Test]
    public async Task Together_OnDisk_ReadsAheadWhatFollowsInTheLane()
    {
        var tickets = await FromDiskAsync(
            Mail("n1"),
            Mail("n2"),
            Mail("gone"),
            Mail("urgent", priority: Priority.Immediate),
            Mail("free"),
            Mail("else", account: new AccountKey(2)),
            Mail("n3")
        );
        Store.Release(tickets.Single(ticket => ticket.Id == 5));
        await ChangeAsync("gone", new MessageChange.Cancel());

        await TogetherAsync([tickets.Single(ticket => ticket.Id == 1)]);

        // What is in memory now is what is still known of mail that is nowhere else.
        await Bench.RunAsync("DELETE FROM bodies");
        var known = (await TogetherAsync([.. tickets.Where(ticket => ticket.Id > 1)])).OfType<MailContent>().Select(c => c.Key.Id);
        Assert.That(known, Is.EquivalentTo(new[] { "n2", "n3" }));
    }

    [Test]
    public async Task Together_OfDeferredMail_ReadsAheadInTheOrderOfDueTimes()
    {
        foreach (var (id, due) in new[] { ("late", 30), ("early", 10), ("middle", 20), ("not yet", 100_000) })
            await SettleAsync(Put(await TicketAsync(Mail(id)), Now + due));
        var fresh = await TicketAsync(Mail("fresh"));
        Store.Release(fresh);
        Bench.Clock.Advance(TimeSpan.FromSeconds(1));
        var tickets = (await ClaimAsync()).Tickets;

        await TogetherAsync([tickets.Single(ticket => ticket.Id == 2)]);

        await Bench.RunAsync("DELETE FROM bodies");
        var known = (await TogetherAsync(tickets)).OfType<MailContent>().Select(c => c.Key.Id);
        Assert.That(known, Is.EquivalentTo(new[] { "middle", "late" }));
    }

    [Test]
    public void Content_ReadBeforeTheClaimWasMade_IsNotKept()
    {
        var ready = new ReadyContents(Bench.Database.Claims);
        var before = Bench.Database.Claims.Claimed;
        var ticket = Claimed(lane: 1, 1);

        Assert.That((ready.Wants(ticket, before), ready.Wants(ticket, before + 1)), Is.EqualTo((false, true)));
        ready.Add(ticket, Sample.Content(), before);
        Assert.That(ready.Take(new(ticket, 50)), Is.Null);
        ready.Add(ticket, Sample.Content(), before + 1);
        Assert.That(ready.Take(new(ticket, 50)), Is.Not.Null);
    }

    [Test]
    public void Content_OfAnEarlierClaim_IsNotHandedOutForTheNext()
    {
        var ready = new ReadyContents(Bench.Database.Claims);
        var ticket = Claimed(lane: 1, 1);
        ready.Add(ticket, Sample.Content());
        Bench.Database.Claims.Remove(ticket); // and nobody has told the contents yet
        Claimed(lane: 1, 1);

        Assert.That(ready.Take(new(ticket, 50)), Is.Null);
    }

    [Test]
    public void Lane_HasAPartOfTheRoom_AndGivesItBack()
    {
        var (ready, tickets) = Filled(lane: 1, count: 300);

        Assert.That(ready.RoomOf(new(1)), Is.Zero);
        Assert.That(ready.RoomOf(new(2)), Is.GreaterThan(0), "one lane takes nothing from another");
        foreach (var ticket in tickets)
            ready.Remove(ticket);
        Assert.That(ready.RoomOf(new(1)), Is.EqualTo(ready.RoomOf(new(2))));
    }

    [Test]
    public void AllLanes_TogetherHaveBoundedBytesAndBoundedCount([Values(0, ReadyContents.LargestBody)] int bytes)
    {
        var ready = new ReadyContents(Bench.Database.Claims);
        var (held, size) = (0, 0L);
        for (var lane = 1; lane <= 40; lane++)
        {
            for (var n = 0; n < 256 && ready.RoomOf(new(lane)) > 0; n++)
            {
                var ticket = Claimed(lane, n);
                ready.Add(ticket, Sample.Content() with { Json = new byte[bytes] });
                if (ready.Wants(ticket))
                    continue; // there was no room for its bytes
                held++;
                size += bytes;
            }
        }

        Assert.That(held, Is.GreaterThan(300).And.AtMost(4096));
        Assert.That(size, Is.LessThanOrEqualTo(8 << 20));
    }

    private (ReadyContents Ready, List<QueuedMail> Tickets) Filled(int lane, int count)
    {
        var ready = new ReadyContents(Bench.Database.Claims);
        var tickets = new List<QueuedMail>();
        for (var n = 0; n < count && ready.RoomOf(new(lane)) > 0; n++)
        {
            tickets.Add(Claimed(lane, n));
            ready.Add(tickets[^1], Sample.Content());
        }

        return (ready, tickets);
    }

    private QueuedMail Claimed(int lane, int n)
    {
        var ticket = new QueuedMail(lane * 100_000 + n, 1, new(lane), Priority.Medium, 0, 0, 1);
        Assert.That(Bench.Database.Claims.TryAdd(ticket), Is.True);
        return ticket;
    }

    private async Task<IReadOnlyList<QueuedMail>> FromDiskAsync(params AcceptedMail[] mails)
    {
        foreach (var ticket in (await AppendAsync(mails)).Tickets)
            Store.Release(ticket);
        return [.. (await ClaimAsync()).Tickets, .. (await ClaimAsync(lane: new(2))).Tickets];
    }

    private async Task<IReadOnlyList<MailContent?>> TogetherAsync(IReadOnlyList<QueuedMail> tickets) =>
        await Store.LoadTogetherAsync([.. tickets.Select(ticket => new LoadRequest(ticket, 50))]);
}
