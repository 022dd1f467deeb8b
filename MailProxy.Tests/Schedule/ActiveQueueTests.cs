using CsCheck;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

internal sealed class ActiveQueueTests : ActiveQueueFixture
{
    [Test]
    public void Done_NotOurs_ChangesNothing()
    {
        var queue = Queue();
        Offer(queue, A, 1, 2);
        Picks(queue, 1);

        Assert.That(queue.Done(queue.Find(A)!, Ticket(99, A)), Is.False);
        Assert.That(queue.Done(queue.Find(A)!, Ticket(1, A)), Is.True);
        Assert.That(queue.Done(queue.Find(A)!, Ticket(1, A)), Is.False);
        Assert.That((queue.InFlight, queue.Find(A)!.InFlight), Is.EqualTo((0, 0)));
    }

    [Test]
    public void Offer_FullLane_TurnsAwayAndRemembersTheDisk()
    {
        var queue = Queue(window: 3);
        Offer(queue, A, 1, 2, 3, 4);

        Assert.That(_letGo.Select(t => t.Id), Is.EqualTo(new long[] { 4 }));
        Assert.That(queue.Find(A)!.More, Is.True);
    }

    [Test]
    public void Offer_MoreUrgentToFullLane_DisplacesTheLastOfTheLowest()
    {
        var queue = Queue(window: 3);
        Offer(queue, A, 1, 2, 3);
        Offer(queue, Ticket(9, A, Priority.Immediate));

        Assert.That(_letGo.Select(t => t.Id), Is.EqualTo(new long[] { 3 }));
        Assert.That(Picks(queue, 3), Is.EqualTo(new long[] { 9, 1, 2 }));
    }

    [Test]
    public void Offer_DiskHasMore_LetsNothingPassItButTheMoreUrgent()
    {
        var queue = Queue();
        Offer(queue, A, 1, 2);
        queue.DiskHas(queue.Find(A)!, 0, 0);
        Offer(queue, A, 5);
        Offer(queue, Ticket(6, A, Priority.High));

        Assert.That(_letGo.Select(t => t.Id), Is.EqualTo(new long[] { 5 }));
        Assert.That(Picks(queue, 3), Is.EqualTo(new long[] { 6, 1, 2 }));
    }

    [Test]
    public void Offer_FullWindow_NewLaneTakesFromTheLargest()
    {
        var queue = Queue(window: 8);
        Offer(queue, A, 1, 2, 3, 4, 5, 6, 7, 8);
        Offer(queue, B, 11, 12, 13, 14, 15);

        Assert.That((queue.Find(A)!.Count, queue.Find(B)!.Count, queue.Count), Is.EqualTo((4, 4, 8)));
        Assert.That(_letGo.Select(t => t.Id), Is.EquivalentTo(new long[] { 5, 6, 7, 8, 15 }));
        Assert.That((queue.Find(A)!.More, queue.Find(B)!.More), Is.EqualTo((true, true)));
    }

    [Test]
    public void Offer_MoreLanesThanTickets_StaysWithinTheWindow()
    {
        var queue = Queue(window: 4);
        for (var i = 1; i <= 10; i++)
            Offer(queue, Ticket(i, new(i)));

        Assert.That(queue.Count, Is.EqualTo(4));
        Assert.That(_letGo, Has.Count.EqualTo(6));
        Assert.That(queue.NeedsRefill, Is.False);
        queue.Take(queue.Next()!);
        Assert.That(queue.NeedsRefill, Is.True);
    }

    [Test]
    public void Return_Ticket_TakesItsOldPlace()
    {
        var queue = Queue();
        Offer(queue, A, 1, 2, 3);
        Picks(queue, 2);
        queue.DiskHas(queue.Find(A)!, 0, 0);
        queue.Return(queue.Find(A)!, Ticket(1, A));

        Assert.That(queue.InFlight, Is.EqualTo(1));
        Assert.That(Picks(queue, 2), Is.EqualTo(new long[] { 1, 3 }));
    }

    [Test]
    public void SetAside_Ticket_LeavesItsPlaceToOthersAndComesBackBeforeThem()
    {
        var queue = Queue(cap: 1);
        Offer(queue, A, 1, 2, 3);
        Assert.That(Picks(queue, 1), Is.EqualTo(new long[] { 1 }));
        Assert.That(queue.Next(), Is.Null);

        queue.SetAside(queue.Find(A)!, Ticket(1, A));
        Assert.That((queue.InFlight, queue.Count), Is.EqualTo((0, 2)));
        Assert.That(Picks(queue, 1), Is.EqualTo(new long[] { 2 }));

        queue.Return(queue.Find(A)!, Ticket(1, A));
        queue.Done(queue.Find(A)!, Ticket(2, A));
        Assert.That(Picks(queue, 1), Is.EqualTo(new long[] { 1 }));
        Assert.That((queue.InFlight, queue.Find(A)!.InFlight), Is.EqualTo((1, 1)));
    }

    [Test]
    public void SetAside_NeitherCountsNorDisplaces()
    {
        var queue = Queue(window: 2, inFlight: 8, cap: 8);
        for (var id = 1; id <= 20; id++)
        {
            Offer(queue, A, id);
            queue.SetAside(queue.Find(A)!, queue.Take(queue.Next()!));
        }

        Assert.That((queue.InFlight, queue.Count, _letGo.Count), Is.EqualTo((0, 0, 0)));
    }

    [Test]
    public void Done_OfATicketSetAside_IsOurs()
    {
        var queue = Queue();
        Offer(queue, A, 1);
        Picks(queue, 1);
        queue.SetAside(queue.Find(A)!, Ticket(1, A));

        Assert.That(queue.Done(queue.Find(A)!, Ticket(1, A)), Is.True);
        Assert.That(queue.Done(queue.Find(A)!, Ticket(1, A)), Is.False);
        queue.Clear();
        Assert.That(_letGo, Is.Empty);
    }

    [Test]
    public void Return_ToALaneThatLetGo_IsTheDisks()
    {
        var queue = Queue();
        Offer(queue, A, 1);
        Picks(queue, 1);
        queue.SetAside(queue.Find(A)!, Ticket(1, A));
        Park(queue, A, until: 10_000, now: 0);

        queue.Return(queue.Find(A)!, Ticket(1, A));

        Assert.That((_letGo.Single().Id, queue.Find(A)!.More), Is.EqualTo((1L, true)));
    }

    [Test]
    public void Clear_LetsGoOfWhatIsSetAside()
    {
        var queue = Queue();
        Offer(queue, A, 1, 2);
        Picks(queue, 2);
        queue.SetAside(queue.Find(A)!, Ticket(1, A));
        queue.Clear();

        Assert.That(_letGo.Single().Id, Is.EqualTo(1));
    }

    [Test]
    public void AnySequence_LosesNothingAndStaysWithinItsBounds()
    {
        // Every ticket offered is in the window, on its way, done, or let go with the lane knowing that the disk has more.
        Gen.Select(Gen.Int[0, 11], Gen.Int[1, 5], Gen.Int[0, 3], Gen.Int[0, 2])
            .Array[1, 300]
            .Sample(steps =>
            {
                var letGo = 0;
                var flying = new List<(MailLane, QueuedMail)>();
                var aside = new List<(MailLane, QueuedMail)>();
                var queue = new ActiveQueue(20, 12, 8, _ => letGo++);
                var (offered, done, now, id) = (0, 0, 1000L, 0L);
                foreach (var (what, account, priority, late) in steps)
                {
                    var lane = queue.Lane(new(account), out _);
                    lane.InFlightCap = 3;
                    switch (what)
                    {
                        case < 4:
                            offered++;
                            queue.Offer(lane, Ticket(++id, new(account), (Priority)priority, late));
                            break;
                        case < 7 when queue.Next() is { } next:
                            if (next.InFlight >= 3 || next.Waits)
                                return false;
                            flying.Add((next, queue.Take(next)));
                            break;
                        case 7 when flying.Count > 0:
                            var (from, ticket) = flying[0];
                            flying.RemoveAt(0);
                            if (late == 0)
                                queue.Return(from, ticket);
                            else if (queue.Done(from, ticket))
                                done++;
                            break;
                        case 10 when flying.Count > 0:
                            aside.Add(flying[0]);
                            flying.RemoveAt(0);
                            queue.SetAside(aside[^1].Item1, aside[^1].Item2);
                            break;
                        case 11 when aside.Count > 0:
                            var (home, waited) = aside[0];
                            aside.RemoveAt(0);
                            if (late > 0)
                                queue.Return(home, waited);
                            else if (queue.Done(home, waited))
                                done++;
                            break;
                        case 8:
                            lane.AtLimit = new(now + (late * 900), "");
                            queue.Waited(lane, now);
                            break;
                        default:
                            now += 700;
                            queue.Advance(now);
                            break;
                    }

                    if (queue.Count > 20 || queue.InFlight > 12 || queue.InFlight != flying.Count)
                        return false;
                    if (queue.Lanes.Sum(l => l.Count) != queue.Count || queue.Lanes.Any(l => l.LetsGo && l.Count > 0))
                        return false;
                    if (offered != queue.Count + flying.Count + aside.Count + done + letGo)
                        return false;
                }

                return true;
            });
    }
}
