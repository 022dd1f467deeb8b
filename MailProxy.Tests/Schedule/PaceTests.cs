using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Schedule;

/// <summary>What a limit allows is spread over its time.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class PaceTests
{
    private readonly StepClock _clock = new();

    [TestCase(60, 600, null, 10, 100)]
    [TestCase(3600, 500, null, 10, 7_200)]
    [TestCase(3600, 500, 50, 50, 7_200)]
    [TestCase(3600, 12_000, null, 101, 300)]
    [TestCase(86400, 864_000, 1, 1, 100)]
    [TestCase(86400, 24, null, 10, 3_600_000)]
    public void AttemptAcquire_MailWaits_GoesAtOnceUpToTheBurstAndThenEvenly(int seconds, int limit, int? burst, int atOnce, int apart)
    {
        using var limiter = Limiter(Of(seconds, limit) with { Burst = burst });

        Assert.That(TakeAll(limiter), Is.EqualTo(atOnce));
        for (var i = 0; i < 5; i++)
        {
            var refusal = Refusal(limiter);
            Assert.That(
                (refusal.RetryAfter, refusal.IsPaced, refusal.Limit, refusal.WindowSeconds),
                Is.EqualTo((TimeSpan.FromMilliseconds(apart), true, limit, seconds))
            );
            _clock.Advance(refusal.RetryAfter - TimeSpan.FromMilliseconds(1));
            Assert.That(TakeAll(limiter), Is.Zero);
            _clock.Advance(TimeSpan.FromMilliseconds(1));
            Assert.That(TakeAll(limiter), Is.EqualTo(1));
        }
    }

    [Test]
    public void AttemptAcquire_NotPaced_GoesAtOnce()
    {
        AccountLimits[] whole =
        [
            new(PerHour: 500, Paced: false),
            new(PerHour: 500, Burst: 500),
            new(PerHour: 500, WhenReached: LimitReached.Fail),
        ];
        foreach (var limits in whole)
        {
            using var limiter = Limiter(limits);
            Assert.That((TakeAll(limiter), Refusal(limiter).IsPaced), Is.EqualTo((500, false)), limits.ToString());
        }
    }

    [Test]
    public void AttemptAcquire_MoreThanTheBurst_GoesWholeAndIsOwed()
    {
        using var limiter = Limiter(new(PerHour: 600));
        Take(limiter, 50);

        Assert.That(Refusal(limiter, 50).RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(300)));
    }

    [Test]
    public void AttemptAcquire_GivenBack_OwesNothing()
    {
        using var limiter = Limiter(new(PerHour: 600));
        limiter.AttemptAcquire(50).Dispose();

        Assert.That(TakeAll(limiter), Is.EqualTo(10));
    }

    [Test]
    public void AttemptAcquire_OnItsWayForLong_KeepsThePace()
    {
        using var limiter = Limiter(new(PerHour: 3600, Burst: 10));
        var held = (AccountLease)limiter.AttemptAcquire(30);
        _clock.Advance(TimeSpan.FromSeconds(30));

        Assert.That(TakeAll(limiter), Is.EqualTo(10), "while the first are still on their way");
        held.Spend();
        Assert.That(Refusal(limiter).RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(1)), "and spending them costs no second time");
    }

    [Test]
    public void AttemptAcquire_LimitRaised_ActsAtOnce()
    {
        var limits = new AccountLimits(PerHour: 60);
        using var limiter = new AccountRateLimiter(() => limits, _clock);
        Take(limiter, 50);
        Assert.That(TakeAll(limiter), Is.Zero);

        limits = new(PerHour: 100);
        Assert.That(TakeAll(limiter), Is.EqualTo(10));
    }

    [Test]
    public void Seed_AfterARestart_OwesWhatIsNotPaid()
    {
        var now = _clock.Now;
        using var limiter = Limiter(new(PerHour: 600));
        limiter.Seed([new(LimitKey.Of(new(1)), 3600, LimitSlots.Of(3600, now - 30_000), 20)]);

        // 10 were owed half a minute ago, and 5 of them are paid; a slot of half a minute counts as of its start.
        Assert.That(Refusal(limiter).RetryAfter, Is.InRange(TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(36)));
    }

    [Test]
    public void Seed_ASecondAgo_CountsTheSecondToo()
    {
        var now = _clock.Now;
        LimitUse[] uses = [new(LimitKey.Of(new(1)), 60, LimitSlots.Of(60, now - 300), 14)];
        using var window = Limiter(new(PerSecond: 14));
        using var bucket = Limiter(new(PerSecond: 14, Burst: 20));
        window.Seed(uses);
        bucket.Seed(uses);

        Assert.That(TakeAll(window), Is.Zero);
        Assert.That(TakeAll(bucket), Is.InRange(6, 10));
        _clock.Advance(TimeSpan.FromMilliseconds(1010));
        Assert.That(TakeAll(window), Is.EqualTo(14));
    }

    [Test]
    public void Fit_LessIsLeft_IsWhatIsLeft()
    {
        using var limiter = Limiter(new(PerHour: 500, Paced: false));
        Take(limiter, 480);

        Assert.That(limiter.Fit(50), Is.EqualTo(20));
        Assert.That(limiter.Fit(7), Is.EqualTo(7));
        Take(limiter, 20);
        Assert.That(limiter.Fit(50), Is.EqualTo(1), "nothing is left, and the refusal says when one may go");
    }

    [Test]
    public void Fit_LittleIsLeftOfMuch_IsNotWorthATransaction()
    {
        using var limiter = Limiter(new(PerHour: 20_000, Paced: false));
        Take(limiter, 19_990);

        Assert.That(limiter.Fit(50), Is.EqualTo(20), "when there is room for these");
        Assert.That(limiter.Fit(10), Is.EqualTo(10));
    }

    private AccountRateLimiter Limiter(AccountLimits limits) => new(() => limits, _clock);

    private static AccountLimits Of(int seconds, int limit) =>
        seconds switch
        {
            60 => new(PerMinute: limit),
            3600 => new(PerHour: limit),
            _ => new(PerDay: limit),
        };

    private static int TakeAll(AccountRateLimiter limiter)
    {
        for (var taken = 0; ; taken++)
        {
            using var lease = (AccountLease)limiter.AttemptAcquire(1);
            if (!lease.IsAcquired)
                return taken;
            lease.Spend();
        }
    }

    private static void Take(AccountRateLimiter limiter, int permits)
    {
        using var lease = (AccountLease)limiter.AttemptAcquire(permits);
        Assert.That(lease.IsAcquired, Is.True);
        lease.Spend();
    }

    private static LimitRefusal Refusal(AccountRateLimiter limiter, int permits = 1)
    {
        using var lease = (AccountLease)limiter.AttemptAcquire(permits);
        Assert.That(lease.Refusal, Is.Not.Null);
        return lease.Refusal!;
    }
}
