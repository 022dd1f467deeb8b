using CsCheck;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>When a lane asks the disk for more, and when it gives its tickets back.</summary>
internal sealed class ActiveQueueRefillTests : ActiveQueueFixture
{
    [Test]
    public void NextToRefill_BelowAQuarter_AsksForAPage()
    {
        var queue = Queue(window: 400);
        var lane = Lane(queue, A);
        queue.DiskHas(lane, 0, 0);

        Assert.That(queue.NextToRefill(7, out var request), Is.SameAs(lane));
        Assert.That(
            (request.Count, request.Now, request.LowestPriority, request.Enough, lane.More),
            Is.EqualTo((32, 7L, Priority.Low, default(IReadOnlySet<(Priority, FlowKey)>), false))
        );
        Assert.That(queue.NextToRefill(7, out _), Is.Null);

        queue.Fill(lane, new([.. Enumerable.Range(1, 32).Select(i => Ticket(i, A))], true, 500), request);
        Assert.That(queue.NextToRefill(7, out request), Is.SameAs(lane));
        Assert.That(request.Count, Is.EqualTo(64));
        Assert.That(lane.NextDue, Is.EqualTo(long.MaxValue));
    }

    [Test]
    public void NextToRefill_AboveAQuarter_WaitsUntilEnoughWasPicked()
    {
        var queue = Queue(window: 40, cap: 100);
        Offer(queue, A, [.. Enumerable.Range(1, 41).Select(i => (long)i)]);
        Assert.That(queue.NeedsRefill, Is.False);

        while (queue.Find(A)!.Count >= 10)
            queue.Take(queue.Next()!);

        Assert.That(queue.NeedsRefill, Is.True);
    }

    [Test]
    public void NextToRefill_SomethingNewOnDiskAndEnoughHere_LooksForTheMoreUrgentAndOtherBatchesOnly()
    {
        var queue = Queue(window: 40);
        Offer(queue, A, [.. Enumerable.Range(1, 40).Select(i => (long)i)]);
        queue.DiskHas(queue.Find(A)!, 0, 0);

        Assert.That(queue.NextToRefill(0, out var request), Is.SameAs(queue.Find(A)));
        Assert.That(request.LowestPriority, Is.EqualTo(Priority.Medium));
        Assert.That(request.Enough, Is.EqualTo(new[] { (Priority.Medium, default(FlowKey)) }));
        queue.Fill(queue.Find(A)!, new([Ticket(99, A, Priority.Immediate)], false, long.MaxValue), request);

        Assert.That(queue.Take(queue.Next()!).Id, Is.EqualTo(99));
        Assert.That(queue.NeedsRefill, Is.False);
        Assert.That(queue.Find(A)!.More, Is.True);
    }

    [Test]
    public void Fill_NothingClaimable_DoesNotAskAgain()
    {
        var queue = Queue();
        var lane = Lane(queue, A);
        queue.DiskHas(lane, 0, 0);
        queue.NextToRefill(0, out var request);
        queue.Fill(lane, new([], true, long.MaxValue), request);

        Assert.That(queue.NeedsRefill, Is.False);
    }

    [Test]
    public void Advance_NextDueComes_LaneNeedsRefill()
    {
        var queue = Queue();
        var lane = Lane(queue, A);
        queue.DiskHas(lane, 1000, 10);
        queue.DiskHas(lane, 2000, 10);
        Assert.That((queue.NextLook, queue.NeedsRefill), Is.EqualTo((1000L, false)));

        queue.Advance(999);
        Assert.That(queue.NeedsRefill, Is.False);
        queue.Advance(1000);

        Assert.That(queue.NeedsRefill, Is.True);
    }

    [Test]
    public void Waited_ShortPark_KeepsTheTickets()
    {
        var queue = Queue();
        Offer(queue, A, 1, 2);
        Park(queue, A, until: 1500, now: 1000);

        Assert.That((queue.Next(), _letGo.Count, queue.NextLook), Is.EqualTo((default(MailLane), 0, 1500L)));
        queue.Advance(1500);
        Assert.That(Picks(queue, 2), Is.EqualTo(new long[] { 1, 2 }));
    }

    [Test]
    public void Waited_LongPark_GivesTheTicketsBackAndRereadsThem()
    {
        var queue = Queue();
        Offer(queue, A, 1, 2);
        Park(queue, A, until: 9000, now: 1000);

        Assert.That(_letGo.Select(t => t.Id), Is.EquivalentTo(new long[] { 1, 2 }));
        Offer(queue, A, 3);
        Assert.That(queue.Find(A)!.Count, Is.Zero);
        Assert.That(queue.NeedsRefill, Is.False);
        queue.Advance(9000);
        Assert.That(queue.NeedsRefill, Is.True);
    }

    [Test]
    public void Waited_TwoReasons_WaitsForBoth()
    {
        var queue = Queue();
        var lane = Lane(queue, A);
        lane.BackingOff = new(5000, "");
        Park(queue, A, until: 2000, now: 1000);
        queue.DiskHas(lane, 0, 1000);

        queue.Advance(2000);
        Assert.That((lane.Waits, queue.NeedsRefill), Is.EqualTo((true, false)));
        queue.Advance(5000);
        Assert.That((lane.Waits, queue.NeedsRefill), Is.EqualTo((false, true)));
    }

    [Test]
    public void Waited_Paused_HasNoTimeToLookAt()
    {
        var queue = Queue();
        var lane = Lane(queue, A);
        queue.DiskHas(lane, 5000, 0);
        lane.Paused = true;
        queue.Waited(lane, 0);

        Assert.That(queue.NextLook, Is.EqualTo(long.MaxValue));
    }

    [Test]
    public void Clear_GivesBackAllThatIsNotOnItsWay()
    {
        var queue = Queue();
        Offer(queue, A, 1, 2);
        Offer(queue, B, 11);
        Picks(queue, 1);
        queue.Clear();

        Assert.That(_letGo.Select(t => t.Id), Is.EquivalentTo(new long[] { 2, 11 }));
        Assert.That(queue.Count, Is.Zero);
    }
}
