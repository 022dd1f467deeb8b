using CsCheck;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>Whose mail goes next: round robin between lanes, the urgent first, nobody beyond its share of what is under way.</summary>
internal sealed class ActiveQueueTurnTests : ActiveQueueFixture
{
    [Test]
    public void Next_TwoLanes_GoRound()
    {
        var queue = Queue();
        Offer(queue, A, 1, 2, 3);
        Offer(queue, B, 11, 12, 13);

        Assert.That(Picks(queue, 6), Is.EqualTo(new long[] { 1, 11, 2, 12, 3, 13 }));
    }

    [Test]
    public void Next_OneLanesBacklog_DelaysAnotherLaneByOnePick()
    {
        var queue = Queue();
        Offer(queue, A, [.. Enumerable.Range(1, 500).Select(i => (long)i)]);
        Picks(queue, 10);
        Offer(queue, B, 1000);

        Assert.That(Picks(queue, 2), Does.Contain(1000L));
    }

    [Test]
    public void Next_ImmediateHead_GoesFirstEverySecondPick()
    {
        var queue = Queue();
        Offer(queue, A, 1, 2, 3, 4);
        Offer(queue, B, 11, 12, 13, 14);
        foreach (var id in new long[] { 21, 22, 23, 24, 25 })
            Offer(queue, Ticket(id, C, Priority.Immediate));

        Assert.That(Picks(queue, 8), Is.EqualTo(new long[] { 21, 1, 22, 11, 23, 2, 24, 12 }));
    }

    [Test]
    public void Next_TwoImmediateLanes_ShareTheEverySecondPick()
    {
        var queue = Queue();
        Offer(queue, A, 1, 2, 3, 4);
        foreach (var id in new long[] { 11, 12, 13 })
            Offer(queue, Ticket(id, B, Priority.Immediate));
        foreach (var id in new long[] { 21, 22, 23 })
            Offer(queue, Ticket(id, C, Priority.Immediate));

        var picks = Picks(queue, 7);

        Assert.That(picks.Where(id => id > 20).Count(), Is.InRange(2, 3));
        Assert.That(picks.Where(id => id is > 10 and < 20).Count(), Is.InRange(2, 3));
        Assert.That(picks, Does.Contain(1L).And.Contain(2L));
    }

    [Test]
    public void Next_LaneAtItsInFlightCap_IsPassedOverUntilOneIsDone()
    {
        var queue = Queue(cap: 2);
        Offer(queue, A, 1, 2, 3);
        Assert.That(Picks(queue, 2), Is.EqualTo(new long[] { 1, 2 }));
        Assert.That(queue.Next(), Is.Null);

        queue.Done(queue.Find(A)!, Ticket(1, A));

        Assert.That(queue.Next(), Is.SameAs(queue.Find(A)));
    }

    [Test]
    public void Next_LaneWithAQuarterOfAllInFlight_IsPassedOver()
    {
        var queue = Queue(inFlight: 8, cap: 100);
        Offer(queue, A, 1, 2, 3);
        Offer(queue, B, 11, 12, 13);

        Assert.That(Picks(queue, 4), Is.EqualTo(new long[] { 1, 11, 2, 12 }));
        Assert.That(queue.Next(), Is.Null);
    }

    [Test]
    public void Next_AllInFlight_IsNull()
    {
        var queue = Queue(inFlight: 4, cap: 100);
        for (var i = 1; i <= 6; i++)
            Offer(queue, Ticket(i, new(i)));
        Picks(queue, 4);

        Assert.That(queue.Next(), Is.Null);
    }
}
