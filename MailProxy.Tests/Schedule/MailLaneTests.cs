using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

internal sealed class MailLaneTests
{
    [Test]
    public void TakeFirst_Mixed_GoesByPriorityThenArrival()
    {
        var lane = Lane(
            Ticket(1, A, Priority.Low),
            Ticket(5, A),
            Ticket(3, A),
            Ticket(4, A, Priority.Immediate),
            Ticket(2, A, Priority.High)
        );

        Assert.That(Drain(lane), Is.EqualTo(new long[] { 4, 2, 3, 5, 1 }));
    }

    [Test]
    public void TakeFirst_FreshAndDeferred_TakesTurns()
    {
        var lane = Lane(
            Ticket(1, A),
            Ticket(2, A),
            Ticket(3, A),
            Ticket(11, A, due: 20),
            Ticket(12, A, due: 10),
            Ticket(13, A, due: 30),
            Ticket(14, A, due: 40)
        );

        Assert.That(Drain(lane), Is.EqualTo(new long[] { 1, 12, 2, 11, 3, 13, 14 }));
    }

    [Test]
    public void TakeFirst_FreshAndDeferredOfTwoPriorities_KeepsTheirTurnsApart()
    {
        var lane = Lane(Ticket(1, A, Priority.High), Ticket(2, A, Priority.High, due: 9), Ticket(3, A), Ticket(4, A, due: 9), Ticket(5, A));

        Assert.That(Drain(lane), Is.EqualTo(new long[] { 1, 2, 3, 4, 5 }));
    }

    [Test]
    public void First_Always_IsWhatTakeFirstTakes()
    {
        var lane = Lane(Ticket(1, A), Ticket(2, A, due: 5), Ticket(3, A), Ticket(4, A, due: 6), Ticket(5, A, Priority.Low));
        while (lane.Count > 0)
        {
            var first = lane.First;
            Assert.That(lane.TakeFirst(), Is.EqualTo(first));
        }
    }

    [Test]
    public void TakeLast_Mixed_TakesTheNewestOfTheLowest()
    {
        var lane = Lane(Ticket(1, A, Priority.Low), Ticket(2, A, Priority.Low), Ticket(3, A, Priority.Low, due: 7), Ticket(4, A));

        Assert.That(
            new[] { lane.TakeLast().Id, lane.TakeLast().Id, lane.TakeLast().Id, lane.TakeLast().Id },
            Is.EqualTo(new long[] { 2, 1, 3, 4 })
        );
    }

    [Test]
    public void Outranks_ByPriorityAndByArrival()
    {
        var lane = Lane(Ticket(10, A, Priority.High), Ticket(20, A));

        Assert.Multiple(() =>
        {
            Assert.That(lane.Outranks(Ticket(30, A, Priority.Immediate)), Is.True);
            Assert.That(lane.Outranks(Ticket(30, A, Priority.High)), Is.True);
            Assert.That(lane.Outranks(Ticket(15, A)), Is.True);
            Assert.That(lane.Outranks(Ticket(30, A)), Is.False);
            Assert.That(lane.Outranks(Ticket(1, A, Priority.Low)), Is.False);
        });
    }

    [Test]
    public void TakeFirst_SeveralBatches_TakeTurnsEachInItsOrder()
    {
        var lane = Lane(
            Ticket(1, A, batch: "a"),
            Ticket(3, A, batch: "a"),
            Ticket(2, A, batch: "a"),
            Ticket(20, A, batch: "b", due: 5),
            Ticket(11, A, batch: "b"),
            Ticket(12, A, batch: "b"),
            Ticket(30, A),
            Ticket(40, A, Priority.High, batch: "a")
        );

        Assert.That(Drain(lane), Is.EqualTo(new long[] { 40, 1, 11, 30, 2, 20, 3, 12 }));
    }

    [Test]
    public void TakeFirst_NewBatch_ComesAfterThoseThatAreThere()
    {
        var lane = Lane(Ticket(1, A, batch: "a"), Ticket(2, A, batch: "a"), Ticket(3, A, batch: "b"), Ticket(4, A, batch: "b"));
        var first = lane.TakeFirst().Id;
        lane.Add(Ticket(9, A, batch: "c"));

        Assert.That((first, Drain(lane)), Is.EqualTo((1L, new List<long> { 3, 2, 9, 4 })));
    }

    [Test]
    public void TakeLast_SeveralBatches_TakesOfTheLargest()
    {
        var lane = Lane(
            Ticket(1, A, batch: "a"),
            Ticket(2, A, batch: "b"),
            Ticket(3, A, batch: "b"),
            Ticket(4, A, batch: "b"),
            Ticket(9, A, batch: "c")
        );

        Assert.That(new[] { lane.TakeLast().Id, lane.TakeLast().Id }, Is.EqualTo(new long[] { 4, 3 }));
        Assert.That(Drain(lane), Is.EqualTo(new long[] { 1, 2, 9 }));
    }

    [Test]
    public void Outranks_OfABatchWithFewer_UnlessItsOwnMayBeOnTheDisk()
    {
        var lane = Lane(Ticket(1, A, batch: "a"), Ticket(2, A, batch: "a"), Ticket(3, A, batch: "a"), Ticket(7, A, batch: "b"));

        Assert.Multiple(() =>
        {
            Assert.That(lane.Outranks(Ticket(9, A, batch: "c")), Is.True);
            Assert.That(lane.Outranks(Ticket(9, A, batch: "b")), Is.True);
            Assert.That(lane.Outranks(Ticket(9, A, batch: "a")), Is.False);
            Assert.That(lane.Precedes(Ticket(9, A, batch: "c")), Is.False);
            Assert.That(lane.Precedes(Ticket(9, A, batch: "b")), Is.False);
            Assert.That(lane.Precedes(Ticket(6, A, batch: "b")), Is.True);
        });
    }

    private static MailLane Lane(params QueuedMail[] tickets)
    {
        var lane = new MailLane(A);
        foreach (var ticket in tickets)
            lane.Add(ticket);
        return lane;
    }

    private static List<long> Drain(MailLane lane)
    {
        var ids = new List<long>();
        while (lane.Count > 0)
            ids.Add(lane.TakeFirst().Id);
        return ids;
    }
}
