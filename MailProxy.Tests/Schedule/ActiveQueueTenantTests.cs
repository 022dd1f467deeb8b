using CsCheck;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>What tenants share of the window and of the turns.</summary>
internal sealed class ActiveQueueTenantTests : ActiveQueueFixture
{
    [Test]
    public void Next_TwoTenants_GoRoundByTenantFirst()
    {
        var queue = Queue(share: Half);
        for (var i = 1; i <= 100; i++)
            Offer(queue, "many", Ticket(i, new(i)));
        Offer(queue, "one", Ticket(1001, new(1001)), Ticket(1002, new(1001)), Ticket(1003, new(1001)));

        Assert.That(Picks(queue, 6), Is.EqualTo(new long[] { 1, 1001, 2, 1002, 3, 1003 }));
    }

    [Test]
    public void Next_TwoTenantsWithImmediateMail_ShareTheEverySecondPick()
    {
        var queue = Queue(share: Half);
        for (var i = 1; i <= 100; i++)
            Offer(queue, "many", Ticket(i, new(i), Priority.Immediate));
        Offer(queue, "one", Ticket(1001, new(1001), Priority.Immediate));

        Assert.That(Picks(queue, 2), Does.Contain(1001L));
    }

    [Test]
    public void Next_TenantAtItsShare_IsPassedOverAndKeepsItsTurn()
    {
        var queue = Queue(inFlight: 8, cap: 100, share: Half);
        for (var i = 1; i <= 10; i++)
            Offer(queue, "many", Ticket(i, new(i)));
        Assert.That(Picks(queue, 10), Has.Count.EqualTo(4), "half of eight");
        Assert.That((queue.IsAtShare(queue.Find(new(5))!), queue.HeldBack, queue.InFlightOf("many")), Is.EqualTo((true, 1L, (4L, 4L))));

        Offer(queue, "one", Ticket(1001, new(1001)), Ticket(1002, new(1001)), Ticket(1003, new(1001)));
        Assert.That(Picks(queue, 10), Is.EqualTo(new long[] { 1001, 1002 }), "half of the other four");

        queue.Done(queue.Find(new(1))!, Ticket(1, new(1)));
        queue.Done(queue.Find(new(2))!, Ticket(2, new(2)));
        Assert.That(Picks(queue, 10), Is.EqualTo(new long[] { 5 }), "half of the six that the other leaves");
        queue.Done(queue.Find(new(1001))!, Ticket(1001, new(1001)));
        Assert.That(Picks(queue, 10), Is.EqualTo(new long[] { 1003 }));
    }

    [Test]
    public void Next_OneTenantAlone_HasEverything()
    {
        var several = false;
        var queue = Queue(inFlight: 8, cap: 100, share: new(0.5, () => several));
        for (var i = 1; i <= 10; i++)
            Offer(queue, "many", Ticket(i, new(i)));

        Assert.That(Picks(queue, 10), Has.Count.EqualTo(8));
        several = true;
        Assert.That(queue.IsAtShare(queue.Find(new(9))!), Is.False, "not its share, but all that there is");
    }

    [Test]
    public void Window_OfSeveralTenants_IsSharedByTenantFirst()
    {
        var queue = Queue(window: 16, share: Half);
        for (var i = 1; i <= 20; i++)
            Offer(queue, "many", Ticket(i, new(i)));
        Assert.That(queue.TicketsOf("many"), Is.EqualTo((8L, 8L)));

        for (var i = 1001; i <= 1010; i++)
            Offer(queue, "one", Ticket(i, new(1001)));
        Assert.That((queue.TicketsOf("one"), queue.Find(new(1001))!.Count), Is.EqualTo(((4L, 4L), 4)), "one lane has all of its tenant's");
    }

    [Test]
    public void Advance_SecondTenantComes_TheFirstLetsGoOfWhatIsBeyondItsShare()
    {
        var several = false;
        var queue = Queue(window: 16, share: new(0.5, () => several));
        Offer(queue, A, [.. Enumerable.Range(1, 16).Select(i => (long)i)]);
        several = true;
        queue.Advance(1000);

        Assert.That((queue.Count, queue.Find(A)!.More), Is.EqualTo((8, true)));
        Assert.That(_letGo.Select(t => t.Id), Is.EquivalentTo(Enumerable.Range(9, 8)));
    }

    [Test]
    public void NextToRefill_TenantsTakeTurns_AndOneWithoutCapacityStopsNobody()
    {
        var queue = Queue(window: 16, share: Half);
        for (var i = 1; i <= 8; i++)
            Offer(queue, "many", Ticket(i, new(i)));
        for (var i = 9; i <= 40; i++)
            queue.DiskHas(Lane(queue, new(i), "many"), 0, 0);
        queue.DiskHas(Lane(queue, new(1001), "one"), 0, 0);

        Assert.That(queue.NextToRefill(0, out var request)?.Key, Is.EqualTo(new LaneKey(1001)), "the others have no capacity");
        Assert.That(request.Count, Is.EqualTo(4));
        Assert.That(queue.NeedsRefill, Is.False);

        queue.Take(queue.Next()!);
        queue.DiskHas(queue.Find(new(1001))!, 0, 0);
        LaneKey[] asked = [queue.NextToRefill(0, out _)!.Key, queue.NextToRefill(0, out _)!.Key];
        Assert.That(asked, Does.Contain(new LaneKey(1001)));
    }

    [Test]
    public void Belongs_AnotherTenant_TakesAllAlong()
    {
        var queue = Queue(share: Half);
        Offer(queue, "", Ticket(1, A), Ticket(2, A), Ticket(3, A));
        queue.Take(queue.Next()!);
        queue.Belongs(queue.Find(A)!, "acme");

        Assert.That((queue.InFlightOf("acme").Held, queue.TicketsOf("acme").Held), Is.EqualTo((1L, 2L)));
        Assert.That((queue.InFlightOf("").Held, queue.TicketsOf("").Held), Is.EqualTo((0L, 0L)));
        Assert.That(Picks(queue, 3), Is.EqualTo(new long[] { 2, 3 }));
    }

    [Test]
    public void Drop_MailUnderWay_GoesWhenItComesBack()
    {
        var queue = Queue();
        Offer(queue, A, 1, 2);
        queue.DiskHas(queue.Find(A)!, 0, 0);
        queue.Take(queue.Next()!);

        queue.Drop(queue.Find(A)!);
        Assert.That((queue.Find(A)!.Count, queue.Next(), queue.NeedsRefill), Is.EqualTo((0, default(MailLane), false)));
        Assert.That(_letGo.Select(ticket => ticket.Id), Is.EqualTo(new long[] { 2 }));
        queue.Done(queue.Find(A)!, Ticket(1, A));
        queue.Drop(queue.Find(A)!);

        Assert.That((queue.Find(A), queue.Lanes.Count(), queue.NextLook), Is.EqualTo((default(MailLane), 0, long.MaxValue)));
        Offer(queue, A, 3);
        Assert.That(Picks(queue, 1), Is.EqualTo(new long[] { 3 }));
    }
}
