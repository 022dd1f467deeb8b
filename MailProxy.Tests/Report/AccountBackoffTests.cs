using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using NUnit.Framework;
using static MailProxy.Tests.Report.Mails;

namespace MailProxy.Tests.Report;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class AccountBackoffTests
{
    private readonly AccountBackoff _backoff = new(new ReportOptions(), () => 0.5);

    [Test]
    public void Trouble_InARow_DoublesUpToAQuarterOfAnHour()
    {
        var now = Now;
        var waits = new List<long>();
        for (var i = 0; i < 10; i++)
        {
            var (until, _) = _backoff.Trouble(Trouble(TroubleKind.Connect), 1, now);
            waits.Add((until - now) / 1000);
            now = until;
        }

        Assert.That(waits, Is.EqualTo(new[] { 5, 10, 20, 40, 80, 160, 320, 640, 900, 900 }));
    }

    [Test]
    public void Trouble_Authentication_StartsAtAMinute() =>
        Assert.That(_backoff.Trouble(Trouble(TroubleKind.Authentication), 1, Now).Until, Is.EqualTo(Now + 60_000));

    [Test]
    public void Trouble_AfterTheClockWasSetBack_WaitsItsOwnTimeAndNotThatHour()
    {
        _backoff.Trouble(Trouble(TroubleKind.Connect), 1, Now);
        var earlier = Now - 3_600_000;

        Assert.That(_backoff.Trouble(Trouble(TroubleKind.Connect), 1, earlier).Until, Is.EqualTo(earlier + 10_000));
    }

    [Test]
    public void Succeeded_AfterTheClockWasSetBack_EndsTheTrouble()
    {
        _backoff.Trouble(Trouble(TroubleKind.Connect), 1, Now);

        Assert.That(_backoff.Succeeded(new(1), Now - 3_600_000), Is.True);
    }

    [Test]
    public void Trouble_OfManyConnectionsAtOnce_CountsOnce()
    {
        var (until, _) = _backoff.Trouble(Trouble(TroubleKind.Connect), 1, Now);

        var others = Enumerable.Range(0, 7).Select(i => _backoff.Trouble(Trouble(TroubleKind.Connect), 1, Now + i)).ToList();

        Assert.Multiple(() =>
        {
            Assert.That(others, Is.All.EqualTo((until, (EventType?)null)));
            Assert.That(_backoff.Trouble(Trouble(TroubleKind.Connect), 1, until).Until, Is.EqualTo(until + 10_000));
        });
    }

    [Test]
    public void Trouble_ThatNamesADelay_IsLeftAloneForIt()
    {
        var first = _backoff.Trouble(Trouble(TroubleKind.Throttled, TimeSpan.FromMinutes(20)), 1, Now).Until;
        var meanwhile = _backoff.Trouble(Trouble(TroubleKind.Throttled, TimeSpan.FromMinutes(30)), 1, Now).Until;

        Assert.Multiple(() =>
        {
            Assert.That(first, Is.EqualTo(Now + 1_200_000));
            Assert.That(meanwhile, Is.EqualTo(Now + 1_800_000));
        });
    }

    [TestCase(-3, 1000)]
    [TestCase(100_000_000, 28_800_000)]
    public void Trouble_ThatNamesNonsense_IsBounded(int seconds, long wait) =>
        Assert.That(_backoff.Trouble(Trouble(TroubleKind.Throttled, TimeSpan.FromSeconds(seconds)), 1, Now).Until, Is.EqualTo(Now + wait));

    [TestCase(TroubleKind.Connect, EventType.AccountCircuitOpened)]
    [TestCase(TroubleKind.Tls, EventType.AccountCircuitOpened)]
    [TestCase(TroubleKind.Greeting, EventType.AccountCircuitOpened)]
    [TestCase(TroubleKind.Protocol, EventType.AccountCircuitOpened)]
    [TestCase(TroubleKind.Configuration, EventType.AccountCircuitOpened)]
    [TestCase(TroubleKind.Authentication, EventType.AccountAuthFailed)]
    [TestCase(TroubleKind.Throttled, EventType.AccountThrottled)]
    public void Trouble_OfAKind_IsToldOnce(TroubleKind kind, EventType told)
    {
        var (until, first) = _backoff.Trouble(Trouble(kind), 1, Now);
        var (_, second) = _backoff.Trouble(Trouble(kind), 1, until);

        Assert.Multiple(() =>
        {
            Assert.That(first, Is.EqualTo(told));
            Assert.That(second, Is.Null);
        });
    }

    [Test]
    public void Trouble_OfAnotherKind_IsToldAgain()
    {
        var (until, _) = _backoff.Trouble(Trouble(TroubleKind.Connect), 1, Now);

        Assert.That(_backoff.Trouble(Trouble(TroubleKind.Authentication), 1, until).Event, Is.EqualTo(EventType.AccountAuthFailed));
    }

    [Test]
    public void Succeeded_DuringTheWait_ProvesNothing()
    {
        var (until, _) = _backoff.Trouble(Trouble(TroubleKind.Connect), 1, Now);

        Assert.Multiple(() =>
        {
            Assert.That(_backoff.Succeeded(Account, until - 1), Is.False);
            Assert.That(_backoff.Succeeded(Account, until), Is.True);
            Assert.That(_backoff.Succeeded(Account, until), Is.False);
        });
    }

    [Test]
    public void Succeeded_AfterTheWait_BeginsAnew()
    {
        var (until, _) = _backoff.Trouble(Trouble(TroubleKind.Connect), 1, Now);
        _backoff.Succeeded(Account, until);

        Assert.That(
            _backoff.Trouble(Trouble(TroubleKind.Connect), 1, until),
            Is.EqualTo((until + 5000, (EventType?)EventType.AccountCircuitOpened))
        );
    }

    [Test]
    public void Forget_ChangedAccount_BeginsAnew()
    {
        _backoff.Trouble(Trouble(TroubleKind.Connect), 1, Now);

        Assert.Multiple(() =>
        {
            Assert.That(_backoff.Forget(_ => 1), Is.Empty);
            Assert.That(_backoff.Forget(_ => 2), Is.EqualTo(new[] { Account }));
            Assert.That(_backoff.Forget(_ => 2), Is.Empty);
        });
    }

    private static AccountTrouble Trouble(TroubleKind kind, TimeSpan? named = null) => new(Account, kind, 421, null, "busy", named);
}
