using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using NUnit.Framework;
using static MailProxy.Tests.Report.Mails;

namespace MailProxy.Tests.Report;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class AccountCircuitsTests
{
    private readonly AccountCircuits _circuits = new(new ReportOptions(), () => 0.5);

    [Test]
    public void Trouble_OfProbesInARow_DoublesUpToAQuarterOfAnHour()
    {
        var waits = new List<long>();
        var now = Now;
        for (var i = 0; i < 10; i++)
        {
            var circuit = Trouble(TroubleKind.Connect, now, isProbe: i > 0).Circuit;
            waits.Add((circuit.Until - now) / 1000);
            Assert.That((circuit.Failures, circuit.Since), Is.EqualTo((i + 1, Now)));
            now = circuit.Until;
        }

        Assert.That(waits, Is.EqualTo(new[] { 5, 10, 20, 40, 80, 160, 320, 640, 900, 900 }));
    }

    [Test]
    public void Trouble_Authentication_StartsAtAMinute() =>
        Assert.That(Trouble(TroubleKind.Authentication, Now).Circuit.Until, Is.EqualTo(Now + 60_000));

    [Test]
    public void Trouble_OfAProbeAfterTheClockWasSetBack_WaitsItsOwnTimeAndNotThatHour()
    {
        Trouble(TroubleKind.Connect, Now);
        var earlier = Now - 3_600_000;

        Assert.That(Trouble(TroubleKind.Connect, earlier, isProbe: true).Circuit.Until, Is.EqualTo(earlier + 10_000));
    }

    [Test]
    public void StateAt_OpenOverAndClockSetBack_ByTime()
    {
        var circuit = Trouble(TroubleKind.Connect, Now).Circuit;
        Assert.That(
            new[] { Now, circuit.Until - 1, circuit.Until, Now - 3_600_000 }.Select(circuit.StateAt),
            Is.EqualTo(new[] { CircuitState.Open, CircuitState.Open, CircuitState.HalfOpen, CircuitState.HalfOpen })
        );
    }

    [Test]
    public void Trouble_OfManyConnectionsAtOnce_CountsOnce()
    {
        var until = Trouble(TroubleKind.Connect, Now).Circuit.Until;

        var others = Enumerable.Range(0, 7).Select(i => Trouble(TroubleKind.Connect, Now + i)).ToList();

        Assert.Multiple(() =>
        {
            Assert.That(others.Select(static other => other.Circuit.Until), Is.All.EqualTo(until));
            Assert.That(others.Select(static other => (other.IsNews, other.Events.Count)), Is.All.EqualTo((false, 0)));
            Assert.That(Trouble(TroubleKind.Connect, until, isProbe: true).Circuit.Until, Is.EqualTo(until + 10_000));
        });
    }

    [Test]
    public void Trouble_OfMailThatWasUnderWayLong_IsNoNewsWhileOneIsTried()
    {
        var until = Trouble(TroubleKind.Connect, Now).Circuit.Until;

        var late = Trouble(TroubleKind.Connect, until + 20_000);

        Assert.That((late.IsNews, late.Circuit.Until, late.Circuit.Failures), Is.EqualTo((false, until, 1)));
    }

    [Test]
    public void Trouble_ThatNamesADelay_IsLeftAloneForIt()
    {
        var first = Trouble(TroubleKind.Throttled, Now, TimeSpan.FromMinutes(20)).Circuit.Until;
        var meanwhile = Trouble(TroubleKind.Throttled, Now, TimeSpan.FromMinutes(30)).Circuit.Until;

        Assert.That((first, meanwhile), Is.EqualTo((Now + 1_200_000, Now + 1_800_000)));
    }

    [TestCase(-3, 1000)]
    [TestCase(100_000_000, 28_800_000)]
    public void Trouble_ThatNamesNonsense_IsBounded(int seconds, long wait) =>
        Assert.That(Trouble(TroubleKind.Throttled, Now, TimeSpan.FromSeconds(seconds)).Circuit.Until, Is.EqualTo(Now + wait));

    [TestCase(TroubleKind.Connect, "connection", EventType.AccountCircuitOpened)]
    [TestCase(TroubleKind.Greeting, "connection", EventType.AccountCircuitOpened)]
    [TestCase(TroubleKind.Tls, "tls", EventType.AccountCircuitOpened)]
    [TestCase(TroubleKind.Protocol, "protocol", EventType.AccountCircuitOpened)]
    [TestCase(TroubleKind.Quota, "quota", EventType.AccountCircuitOpened)]
    [TestCase(TroubleKind.Configuration, "configuration", EventType.AccountCircuitOpened)]
    [TestCase(TroubleKind.Authentication, "authentication", EventType.AccountAuthFailed, EventType.AccountCircuitOpened)]
    [TestCase(TroubleKind.Throttled, "throttled", EventType.AccountThrottled)]
    public void Trouble_OfAKind_IsToldOnceAnOpening(TroubleKind kind, string cause, params EventType[] told)
    {
        var first = Trouble(kind, Now);
        var second = Trouble(kind, first.Circuit.Until, isProbe: true);
        _circuits.Succeeded(Account, isProbe: true);
        var anew = Trouble(kind, second.Circuit.Until);

        Assert.Multiple(() =>
        {
            Assert.That(first.Circuit.Cause, Is.EqualTo(cause));
            Assert.That(first.Events, Is.EqualTo(told));
            Assert.That(second.Events, Is.Empty);
            Assert.That(anew.Events, Is.EqualTo(told));
        });
    }

    [Test]
    public void Trouble_OfAnotherKind_TellsWhatIsNewOfIt()
    {
        var until = Trouble(TroubleKind.Connect, Now).Circuit.Until;

        var other = Trouble(TroubleKind.Authentication, until, isProbe: true);

        Assert.That((other.Circuit.Cause, other.Events.Single()), Is.EqualTo(("authentication", EventType.AccountAuthFailed)));
    }

    [Test]
    public void Succeeded_AnyOtherThanTheProbe_ProvesNothing()
    {
        Trouble(TroubleKind.Connect, Now);

        Assert.Multiple(() =>
        {
            Assert.That(_circuits.Succeeded(Account, isProbe: false), Is.Null);
            Assert.That(_circuits.Succeeded(Account, isProbe: true)?.Cause, Is.EqualTo("connection"));
            Assert.That(_circuits.Succeeded(Account, isProbe: true), Is.Null);
        });
    }

    [Test]
    public void Succeeded_TheProbe_BeginsAnew()
    {
        var until = Trouble(TroubleKind.Connect, Now).Circuit.Until;
        _circuits.Succeeded(Account, isProbe: true);

        Assert.That(Trouble(TroubleKind.Connect, until).Circuit.Until, Is.EqualTo(until + 5000));
    }

    [Test]
    public void ProbeNow_Open_IsOverAndKeepsItsCount()
    {
        Trouble(TroubleKind.Connect, Now);

        Assert.That(_circuits.ProbeNow(Account, Now + 1)?.StateAt(Now + 1), Is.EqualTo(CircuitState.HalfOpen));
        Assert.That(Trouble(TroubleKind.Connect, Now + 2, isProbe: true).Circuit.Until, Is.EqualTo(Now + 2 + 10_000));
        Assert.That(_circuits.ProbeNow(new(99), Now), Is.Null);
    }

    [Test]
    public void Share_AnotherAccount_IsHeldAsLongAndNeverShorter()
    {
        var origin = Trouble(TroubleKind.Quota, Now, TimeSpan.FromHours(1)).Circuit;
        var theirs = origin.Trouble with { Account = new(2), Via = "main" };

        var first = _circuits.Share(origin, theirs, 7, Now);
        var again = _circuits.Share(origin with { Until = origin.Until - 1 }, theirs, 7, Now + 1);

        Assert.That((first.Circuit.Until, first.Circuit.Version, first.IsNews), Is.EqualTo((origin.Until, 7L, true)));
        Assert.That(first.Events, Is.EqualTo(new[] { EventType.AccountCircuitOpened }));
        Assert.That((again.IsNews, again.Circuit.Until), Is.EqualTo((false, origin.Until)));
    }

    [Test]
    public void Forget_ChangedAccount_BeginsAnew()
    {
        Trouble(TroubleKind.Connect, Now);

        Assert.Multiple(() =>
        {
            Assert.That(_circuits.Forget(_ => 1), Is.Empty);
            Assert.That(_circuits.Forget(_ => 2).Single().Account, Is.EqualTo(Account));
            Assert.That(_circuits.Forget(_ => 2), Is.Empty);
            Assert.That(_circuits.Count, Is.Zero);
        });
    }

    private CircuitChange Trouble(TroubleKind kind, long now, TimeSpan? named = null, bool isProbe = false) =>
        _circuits.Trouble(new(Account, kind, 421, null, "busy", named), isProbe, 1, now);
}
