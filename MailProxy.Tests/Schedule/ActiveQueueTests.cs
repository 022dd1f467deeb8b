using CsCheck;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Sharing;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

internal sealed class ActiveQueueTests
{
    private static readonly TenantShare Half = new(0.5, static () => true);

    private readonly List<QueuedMail> _letGo = [];
    private int _cap;

    [SetUp]
    public void Clear() => _letGo.Clear();

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
    public void NextToRefill_BelowAQuarter_AsksForAPage()
    {
        var queue = Queue(window: 400);
        var lane = Lane(queue, A);
        queue.DiskHas(lane, 0, 0);

        Assert.That(queue.NextToRefill(out var count, out var lowest), Is.SameAs(lane));
        Assert.That((count, lowest, lane.More), Is.EqualTo((32, Priority.Low, false)));
        Assert.That(queue.NextToRefill(out _, out _), Is.Null);

        queue.Fill(lane, [.. Enumerable.Range(1, 32).Select(i => Ticket(i, A))], true, 500, count, lowest);
        Assert.That(queue.NextToRefill(out count, out _), Is.SameAs(lane));
        Assert.That(count, Is.EqualTo(64));
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
    public void NextToRefill_SomethingNewOnDiskAndEnoughHere_LooksForTheMoreUrgentOnly()
    {
        var queue = Queue(window: 40);
        Offer(queue, A, [.. Enumerable.Range(1, 40).Select(i => (long)i)]);
        queue.DiskHas(queue.Find(A)!, 0, 0);

        Assert.That(queue.NextToRefill(out var count, out var lowest), Is.SameAs(queue.Find(A)));
        Assert.That(lowest, Is.EqualTo(Priority.High));
        queue.Fill(queue.Find(A)!, [Ticket(99, A, Priority.Immediate)], false, long.MaxValue, count, lowest);

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
        queue.NextToRefill(out var count, out var lowest);
        queue.Fill(lane, [], true, long.MaxValue, count, lowest);

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

        Assert.That((queue.Next(), _letGo.Count, queue.NextLook), Is.EqualTo((default(AccountLane), 0, 1500L)));
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

    [Test]
    public void AnySequence_LosesNothingAndStaysWithinItsBounds()
    {
        // Every ticket offered is in the window, on its way, done, or let go with the lane knowing that the disk has more.
        Gen.Select(Gen.Int[0, 11], Gen.Int[1, 5], Gen.Int[0, 3], Gen.Int[0, 2])
            .Array[1, 300]
            .Sample(steps =>
            {
                var letGo = 0;
                var flying = new List<(AccountLane, QueuedMail)>();
                var aside = new List<(AccountLane, QueuedMail)>();
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

        Assert.That(queue.NextToRefill(out var count, out _)?.Account, Is.EqualTo(new AccountKey(1001)), "the others have no capacity");
        Assert.That(count, Is.EqualTo(4));
        Assert.That(queue.NeedsRefill, Is.False);

        queue.Take(queue.Next()!);
        queue.DiskHas(queue.Find(new(1001))!, 0, 0);
        AccountKey[] asked = [queue.NextToRefill(out _, out _)!.Account, queue.NextToRefill(out _, out _)!.Account];
        Assert.That(asked, Does.Contain(new AccountKey(1001)));
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
    public void Forget_OnlyWhatHasNothing()
    {
        var queue = Queue();
        Offer(queue, A, 1);
        Assert.That(queue.Forget(queue.Find(A)!), Is.False);
        queue.Take(queue.Next()!);
        Assert.That(queue.Forget(queue.Find(A)!), Is.False);
        queue.Done(queue.Find(A)!, Ticket(1, A));

        Assert.That(queue.Forget(queue.Find(A)!), Is.True);
        Assert.That((queue.Find(A), queue.Lanes.Count()), Is.EqualTo((default(AccountLane), 0)));
        Offer(queue, A, 2);
        Assert.That(Picks(queue, 1), Is.EqualTo(new long[] { 2 }));
    }

    private ActiveQueue Queue(int window = 10_000, int inFlight = 256, int cap = 16, TenantShare? share = null)
    {
        _cap = cap;
        return new(window, inFlight, 500, _letGo.Add, share);
    }

    private AccountLane Lane(ActiveQueue queue, AccountKey account, string tenant = "")
    {
        var lane = queue.Lane(account, out var made, tenant);
        if (made)
            lane.InFlightCap = _cap;
        return lane;
    }

    private void Offer(ActiveQueue queue, QueuedMail ticket) => queue.Offer(Lane(queue, ticket.Account), ticket);

    private void Offer(ActiveQueue queue, AccountKey account, params long[] ids)
    {
        foreach (var id in ids)
            Offer(queue, Ticket(id, account));
    }

    private void Offer(ActiveQueue queue, string tenant, params QueuedMail[] tickets)
    {
        foreach (var ticket in tickets)
            queue.Offer(Lane(queue, ticket.Account, tenant), ticket);
    }

    private static void Park(ActiveQueue queue, AccountKey account, long until, long now)
    {
        queue.Find(account)!.AtLimit = new(until, "");
        queue.Waited(queue.Find(account)!, now);
    }

    private static List<long> Picks(ActiveQueue queue, int count)
    {
        var ids = new List<long>();
        while (ids.Count < count && queue.Next() is { } lane)
            ids.Add(queue.Take(lane).Id);
        return ids;
    }
}
