using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Postgres;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Nodes;

/// <summary>Who should hold what, and who is dead.</summary>
internal sealed class LeasePlanTests
{
    private static NodeRow Node(long session, bool leaves = false, long beat = 1) =>
        new(session, $"n{session}", $"place {session}", "1", "", 0, beat, 0, 0, leaves);

    [TestCase(false, "a")]
    [TestCase(false, "a", "a")]
    [TestCase(false, "a", "", "a")]
    [TestCase(true, "a", "", "b")]
    public void DoProfilesDiffer_OfThoseThatHaveToldThem(bool differ, params string[] told) =>
        Assert.That(
            NodeRow.DoProfilesDiffer(told.Select(static (profiles, at) => new NodeRow(at, "", "", "", profiles, 0, 0, 0, 0, false))),
            Is.EqualTo(differ)
        );

    [Test]
    public void UntilDead_IsThatOfTheOneThatHasBeenSilentForLongest()
    {
        var watch = new PeerWatch(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(2.5));
        Assert.That(watch.UntilDead(TimeSpan.Zero), Is.Null);
        watch.Look([Node(2), Node(3)], TimeSpan.FromSeconds(10));
        watch.Look([Node(2, beat: 2), Node(3)], TimeSpan.FromSeconds(11));
        Assert.That(watch.UntilDead(TimeSpan.FromSeconds(11)), Is.EqualTo(TimeSpan.FromSeconds(4)));
        watch.Look([Node(2, beat: 2)], TimeSpan.FromSeconds(12));
        Assert.That(watch.UntilDead(TimeSpan.FromSeconds(12)), Is.EqualTo(TimeSpan.FromSeconds(4)));
    }

    [Test]
    public void Look_OneWasToldThatItMayBeSilentForLonger_IsNotDeadBefore()
    {
        var watch = new PeerWatch(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(100));
        NodeRow[] nodes = [Node(2) with { TimeToLive = TimeSpan.FromSeconds(20) }, Node(3) with { TimeToLive = TimeSpan.FromSeconds(1) }];
        watch.Look(nodes, TimeSpan.Zero);
        Assert.That(watch.Look(nodes, TimeSpan.FromSeconds(4)), Is.Empty);
        Assert.That(watch.Look(nodes, TimeSpan.FromSeconds(6)), Is.EqualTo(new[] { nodes[1] }));
        Assert.That(watch.Look(nodes, TimeSpan.FromSeconds(21)), Is.EqualTo(nodes));
    }

    [Test]
    public void Look_AnotherMayCountAsDeadBeforeTheNextBeat_IsAtThatMoment()
    {
        var pace = new LookPace(TimeSpan.FromSeconds(1));
        Assert.Multiple(() =>
        {
            Assert.That(pace.Next(false, false, null), Is.EqualTo(TimeSpan.FromSeconds(1)));
            Assert.That(pace.Next(false, false, TimeSpan.FromSeconds(4)), Is.EqualTo(TimeSpan.FromSeconds(1)));
            Assert.That(pace.Next(false, false, TimeSpan.FromSeconds(0.3)), Is.EqualTo(TimeSpan.FromSeconds(0.3)));
            Assert.That(pace.Next(false, false, TimeSpan.FromSeconds(-1)), Is.EqualTo(TimeSpan.FromMilliseconds(20)), "it never spins");
        });
    }

    [Test]
    public void Target_ANodeGoes_OnlyItsUnitsMove()
    {
        NodeRow[] three = [Node(1), Node(2), Node(3)];
        var before = Enumerable.Range(1, 300).ToDictionary(static unit => unit, unit => LeasePlan.Target(three, unit));
        var after = before.Keys.ToDictionary(static unit => unit, unit => LeasePlan.Target([Node(1), Node(3)], unit));
        Assert.Multiple(() =>
        {
            Assert.That(before.Values.GroupBy(static session => session).Select(static share => share.Count()), Is.All.InRange(60, 140));
            Assert.That(before.Where(one => after[one.Key] != one.Value).Select(static one => one.Value), Is.All.EqualTo(2));
        });
    }

    [Test]
    public void Target_TheSamePlaceAfterARestart_IsTheSameNode() =>
        Assert.That(
            Enumerable
                .Range(1, 100)
                .All(static unit =>
                    LeasePlan.Target([Node(1), Node(2)], unit)
                    == 2
                    == (LeasePlan.Target([Node(1), Node(2) with { Session = 9 }], unit) == 9)
                )
        );

    [Test]
    public void Of_ANodeStillStarts_NothingIsGivenUpForIt()
    {
        NodeRow[] nodes = [Node(1), Node(2) with { Seen = NodeRow.Starting }];
        var units = LaneUnitsTests.Units(limitsOfTenant: false, accounts: [.. Enumerable.Range(1, 50)]);
        var leases = units.OfLanes.ToDictionary(static one => (long)one.Key.Number, static _ => 1L);
        leases[LaneUnits.House] = 1;
        Assert.Multiple(() =>
        {
            Assert.That(LeasePlan.Of(1, nodes, leases, units).Give, Is.Empty);
            Assert.That(LeasePlan.Of(1, [nodes[0], Node(2)], leases, units).Give, Is.Not.Empty, "it has begun");
        });
    }

    [Test]
    public void Of_UnitOfWhichAnotherNodeHasALane_NothingIsTakenUntilItIsGivenUp()
    {
        NodeRow[] nodes = [Node(1), Node(2, leaves: true)];
        var units = LaneUnitsTests.Units(limitsOfTenant: true, accounts: [1, 2]);
        var leases = new Dictionary<long, long> { [1] = 2, [LaneUnits.House] = 1 };
        Assert.That(LeasePlan.Of(1, nodes, leases, units).Take, Is.Empty, "the other one would have to stop for it");
        leases[1] = 0;
        Assert.That(LeasePlan.Of(1, nodes, leases, units).Take, Is.EquivalentTo(new[] { 1, 2 }));
    }

    [Test]
    public void Look_BeatStandsStill_IsDeadAfterItsTime()
    {
        var watch = new PeerWatch(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(2.5));
        var dead = Enumerable.Range(0, 12).Select(second => watch.Look([Node(2, beat: 7)], TimeSpan.FromSeconds(second)).Count).ToList();
        Assert.That(dead.IndexOf(1), Is.EqualTo(6));
    }

    [Test]
    public void Look_ItBeats_IsNeverDead()
    {
        var watch = new PeerWatch(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(2.5));
        for (var second = 0; second < 60; second++)
            Assert.That(watch.Look([Node(2, beat: 1 + second / 4)], TimeSpan.FromSeconds(second)), Is.Empty);
    }

    [Test]
    public void Look_WhoLooksStoodStillHimself_BeginsAnew()
    {
        var watch = new PeerWatch(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(2.5));
        watch.Look([Node(2, beat: 7)], TimeSpan.Zero);
        Assert.That(watch.Look([Node(2, beat: 7)], TimeSpan.FromSeconds(100)), Is.Empty, "nobody watched meanwhile");
        for (var second = 101; second <= 105; second++)
            Assert.That(watch.Look([Node(2, beat: 7)], TimeSpan.FromSeconds(second)), Is.Empty);
        Assert.That(watch.Look([Node(2, beat: 7)], TimeSpan.FromSeconds(106)), Has.Count.EqualTo(1));
    }

    [Test]
    public void Holds_AnotherNodeHasALaneOfTheUnit_WaitsForIt()
    {
        var units = LaneUnitsTests.Units(limitsOfTenant: true, accounts: [1, 2]);
        var names = new Dictionary<long, string> { [1] = "one", [2] = "two" };
        HeldLanes Held(Dictionary<long, long> leases, params long[] giving) =>
            new(
                1,
                leases,
                leases.Where(static one => one.Value == 1).Select(static one => one.Key).ToHashSet(),
                giving.ToHashSet(),
                units,
                names
            );

        LaneKey first = new(1);
        Assert.Multiple(() =>
        {
            Assert.That(Held(new() { [1] = 1, [2] = 1 }).Holds(first), Is.True);
            Assert.That(Held(new() { [1] = 1, [2] = 2 }).Holds(first), Is.False, "its limit would be counted twice");
            Assert.That(Held(new() { [1] = 1, [2] = 9 }).Holds(first), Is.True, "who held the other is dead");
            Assert.That(Held(new() { [1] = 1 }).Holds(first), Is.True, "nobody holds the other yet");
            Assert.That(Held(new() { [1] = 1, [2] = 1 }, giving: 1).Holds(first), Is.False);
            Assert.That(Held(new() { [1] = 2, [2] = 2 }).HolderOf(first), Is.EqualTo("two"));
        });
    }
}
