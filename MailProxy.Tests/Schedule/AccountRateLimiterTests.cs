using System.Threading.RateLimiting;
using CsCheck;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;

namespace MailProxy.Tests.Schedule;

internal sealed class AccountRateLimiterTests
{
    private readonly StepClock _clock = new();

    [TestCase(1)]
    [TestCase(60)]
    [TestCase(3600)]
    [TestCase(86400)]
    public void AttemptAcquire_WindowUsedUp_NamesTheTimeAtWhichItOpens(int seconds)
    {
        using var limiter = Limiter(Of(seconds, 5));
        Use(limiter, 5);

        var refusal = Refusal(limiter);

        Assert.That((refusal.WindowSeconds, refusal.Used, refusal.Limit), Is.EqualTo((seconds, 5L, 5)));
        Assert.That(
            refusal.RetryAfter,
            Is.InRange(TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(seconds * 121.0 / 120) + TimeSpan.FromMilliseconds(1))
        );
        _clock.Advance(refusal.RetryAfter - TimeSpan.FromMilliseconds(1));
        Assert.That(limiter.AttemptAcquire(1).IsAcquired, Is.False);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.That(limiter.AttemptAcquire(5).IsAcquired, Is.True);
    }

    [Test]
    public void AttemptAcquire_PartOfTheWindowPassed_WaitsForThePartItNeeds()
    {
        using var limiter = Limiter(new(PerMinute: 10));
        Use(limiter, 4);
        _clock.Advance(TimeSpan.FromSeconds(20));
        Use(limiter, 6);

        Assert.That(Refusal(limiter, 4).RetryAfter, Is.InRange(TimeSpan.FromSeconds(40), TimeSpan.FromSeconds(40.5)));
        Assert.That(Refusal(limiter, 5).RetryAfter, Is.InRange(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(60.5)));
    }

    [Test]
    public void AttemptAcquire_SeveralWindows_NamesTheOneThatOpensLast()
    {
        using var limiter = Limiter(new(PerSecond: 2, PerHour: 2));
        Use(limiter, 2);

        Assert.That(Refusal(limiter).Window, Is.EqualTo("hour"));
    }

    [Test]
    public void Dispose_Unspent_GivesBack()
    {
        using var limiter = Limiter(new(PerDay: 3));
        var lease = limiter.AttemptAcquire(3);
        Assert.That(limiter.AttemptAcquire(1).IsAcquired, Is.False);

        lease.Dispose();
        lease.Dispose();

        Assert.That(limiter.GetStatistics()!.CurrentAvailablePermits, Is.EqualTo(3));
    }

    [Test]
    public void Dispose_Spent_KeepsTheCount()
    {
        using var limiter = Limiter(new(PerDay: 3));
        Use(limiter, 2);

        Assert.That(limiter.GetStatistics()!.CurrentAvailablePermits, Is.EqualTo(1));
    }

    [Test]
    public void Spend_AfterDispose_CountsAllTheSameAndOnce()
    {
        using var limiter = Limiter(new(PerDay: 3));
        var lease = (AccountLease)limiter.AttemptAcquire(2);
        lease.Dispose();
        lease.Spend();
        lease.Spend();

        Assert.That(limiter.GetStatistics()!.CurrentAvailablePermits, Is.EqualTo(1));
    }

    [Test]
    public void Spend_Later_CountsFromThatMoment()
    {
        using var limiter = Limiter(new(PerMinute: 2));
        var lease = (AccountLease)limiter.AttemptAcquire(2);
        _clock.Advance(TimeSpan.FromSeconds(50));
        lease.Spend();
        _clock.Advance(TimeSpan.FromSeconds(59));

        Assert.That(limiter.AttemptAcquire(1).IsAcquired, Is.False);
    }

    [Test]
    public void AttemptAcquire_Reserved_CountsAsUsedNow()
    {
        using var limiter = Limiter(new(PerMinute: 2));
        using var held = limiter.AttemptAcquire(2);
        _clock.Advance(TimeSpan.FromMinutes(10));

        Assert.That(Refusal(limiter).RetryAfter, Is.InRange(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(60.5)));
    }

    [Test]
    public void AttemptAcquire_Burst_IsATokenBucket()
    {
        using var limiter = Limiter(new(PerSecond: 2, Burst: 10));
        Use(limiter, 10);

        Assert.That(Refusal(limiter).RetryAfter, Is.EqualTo(TimeSpan.FromMilliseconds(500)));
        Assert.That(Refusal(limiter, 10).RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(5)));
        _clock.Advance(TimeSpan.FromMilliseconds(500));
        Use(limiter, 1);
        Assert.That(limiter.AttemptAcquire(1).IsAcquired, Is.False);
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.That(limiter.GetStatistics()!.CurrentAvailablePermits, Is.EqualTo(10));
    }

    [Test]
    public void AttemptAcquire_LimitsChanged_HoldsAtOnceAndKeepsTheCounts()
    {
        var limits = new AccountLimits(PerHour: 10);
        using var limiter = new AccountRateLimiter(() => limits, _clock);
        Use(limiter, 6);

        limits = new(PerHour: 6);
        Assert.That(limiter.AttemptAcquire(1).IsAcquired, Is.False);
        limits = new(PerDay: 7);
        Assert.That(limiter.GetStatistics()!.CurrentAvailablePermits, Is.EqualTo(1));
    }

    [Test]
    public void AttemptAcquire_MoreThanTheLimit_IsRefusedWithAnEnd()
    {
        using var limiter = Limiter(new(PerMinute: 2));

        Assert.That(Refusal(limiter, 3).RetryAfter, Is.LessThanOrEqualTo(TimeSpan.FromSeconds(61)));
    }

    [TestCase(-3600)]
    [TestCase(3600)]
    [TestCase(-86400 * 30)]
    [TestCase(86400 * 30)]
    public void AttemptAcquire_ClockSteps_NeitherGrantsNorLoses(int seconds)
    {
        using var limiter = Limiter(new(PerMinute: 5));
        Use(limiter, 5);
        _clock.Step(TimeSpan.FromSeconds(seconds));

        Assert.That(limiter.AttemptAcquire(1).IsAcquired, Is.False);
        _clock.Advance(TimeSpan.FromSeconds(61));
        Assert.That(limiter.AttemptAcquire(5).IsAcquired, Is.True);
    }

    [Test]
    public async Task AcquireAsync_UsedUp_AnswersAtOnce()
    {
        using var limiter = Limiter(new(PerMinute: 1));
        Use(limiter, 1);

        using var lease = await limiter.AcquireAsync(1);

        Assert.That(lease.IsAcquired, Is.False);
        Assert.That(lease.TryGetMetadata(MetadataName.RetryAfter, out var after), Is.True);
        Assert.That(after, Is.GreaterThan(TimeSpan.FromSeconds(59)));
    }

    [Test]
    public void IdleDuration_WhileCountsOrLeasesLive_IsNull()
    {
        using var limiter = Limiter(new(PerMinute: 5));
        var lease = (AccountLease)limiter.AttemptAcquire(1);
        Assert.That(limiter.IdleDuration, Is.Null);
        lease.Spend();
        _clock.Advance(TimeSpan.FromHours(23));
        Assert.That(limiter.IdleDuration, Is.Null);
        _clock.Advance(TimeSpan.FromHours(2));
        Assert.That(limiter.IdleDuration, Is.EqualTo(TimeSpan.FromHours(25)));
    }

    [Test]
    public void Seed_SlotsOfBefore_OpenAsTheyWouldHave()
    {
        using var limiter = Limiter(new(PerHour: 10, PerDay: 100, Paced: false));
        var now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        limiter.Seed([
            new(LimitKey.Of(new(1)), 3600, now - 1_800_000, 4),
            new(LimitKey.Of(new(1)), 3600, now - 30_000, 6),
            new(LimitKey.Of(new(1)), 3600, now - 7_200_000, 50),
            new(LimitKey.Of(new(1)), 86400, now - 720_000, 90),
        ]);

        Assert.That(limiter.Usage().Select(u => (u.WindowSeconds, u.Used)), Is.EqualTo(new[] { (3600, 10L), (86400, 90L) }));
        Assert.That(Refusal(limiter).RetryAfter, Is.InRange(TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(30.5)));
    }

    [Test]
    public void Seed_SlotsInTheFuture_CountAsNow()
    {
        using var limiter = Limiter(new(PerHour: 10));
        limiter.Seed([new(LimitKey.Of(new(1)), 3600, _clock.GetUtcNow().AddDays(40).ToUnixTimeMilliseconds(), 10)]);

        Assert.That(limiter.AttemptAcquire(1).IsAcquired, Is.False);
        _clock.Advance(TimeSpan.FromMinutes(61));
        Assert.That(limiter.AttemptAcquire(10).IsAcquired, Is.True);
    }

    [Test]
    public void Usage_AtTheLimit_SaysWhenItOpens()
    {
        using var limiter = Limiter(new(PerMinute: 5, PerHour: 50));
        Use(limiter, 5);

        var usage = limiter.Usage();

        var now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        Assert.That(usage[0].OpensAt, Is.InRange(now + 60_000, now + 60_500));
        Assert.That((usage[1].Used, usage[1].Limit, usage[1].OpensAt), Is.EqualTo((5L, 50, (long?)null)));
    }

    private AccountRateLimiter Limiter(AccountLimits limits) => new(() => limits, _clock);

    private static AccountLimits Of(int seconds, int limit) =>
        seconds switch
        {
            1 => new(PerSecond: limit),
            60 => new(PerMinute: limit),
            3600 => new(PerHour: limit),
            _ => new(PerDay: limit),
        };

    private static void Use(AccountRateLimiter limiter, int permits)
    {
        using var lease = (AccountLease)limiter.AttemptAcquire(permits);
        Assert.That(lease.IsAcquired, Is.True);
        lease.Spend();
    }

    private static LimitRefusal Refusal(AccountRateLimiter limiter, int permits = 1)
    {
        var lease = (AccountLease)limiter.AttemptAcquire(permits);
        Assert.That(lease.Refusal, Is.Not.Null);
        return lease.Refusal!;
    }
}
