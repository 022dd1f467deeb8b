using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;

namespace MailProxy.Tests.Schedule;

/// <summary>Less by a share at each throttling, more by a step for each minute that goes well.</summary>
internal sealed class AdaptiveRateTests
{
    private const long Minute = 60_000;

    private static readonly SlowDown Third = new(0.7, null, null);

    [TestCase(0.7, null, 100, null, 70, 100)]
    [TestCase(0.7, null, 100, 840, 70, 840)]
    [TestCase(0.7, null, 1000, 840, 588, 840)]
    [TestCase(null, 10, 100, null, 10, 100)]
    [TestCase(null, 10, 3, null, 10, 10)]
    [TestCase(null, 10, 3, 5, 5, 5)]
    [TestCase(0.7, 30, 100, null, 30, 100)]
    [TestCase(0.7, 30, 40, null, 28, 40)]
    [TestCase(0.5, null, 0, null, 1, 1)]
    public void First_Throttling_IsByWhatWentAndTheLimit(
        double? factor,
        int? perMinute,
        double measured,
        double? limit,
        double rate,
        double ceiling
    )
    {
        var adaptive = new AdaptiveRate(new(factor, perMinute, null), "r", measured, limit, 0);
        Assert.That((Math.Round(adaptive.PerMinute, 6), adaptive.Ceiling), Is.EqualTo((rate, ceiling)));
    }

    [Test]
    public void Growth_EachMinuteInWhichMailWent_IsATenthAndThenItIsOver()
    {
        var rate = new AdaptiveRate(Third, "r", 100, null, 0);
        var rates = new List<double>();
        var now = 0L;
        for (var minute = 1; minute <= 3; minute++)
        {
            rate.Granted(now);
            now = minute * Minute;
            rates.Add(rate.Advance(now) ? -1 : Math.Round(rate.PerMinute, 6));
        }

        Assert.That(rates, Is.EqualTo(new[] { 80.0, 90, -1 }));
    }

    [Test]
    public void Growth_WithoutMail_None()
    {
        var rate = new AdaptiveRate(Third, "r", 100, null, 0);
        for (var minute = 1; minute <= 60; minute++)
            Assert.That(rate.Advance(minute * Minute), Is.False);
        Assert.That(rate.PerMinute, Is.EqualTo(70).Within(0.001));
        Assert.That(rate.Advance((62 * Minute) + 1), Is.True, "an hour after it may grow it is forgotten");
    }

    [Test]
    public void Growth_RuleSaysForHowLong_ItStaysSo()
    {
        var rate = new AdaptiveRate(new(null, 10, TimeSpan.FromMinutes(30)), "r", 100, null, 0);
        for (var minute = 1; minute < 30; minute++)
        {
            rate.Granted((minute - 1) * Minute);
            Assert.That((rate.Advance(minute * Minute), rate.PerMinute), Is.EqualTo((false, 10.0)));
        }

        rate.Granted(29 * Minute);
        Assert.That((rate.Advance(30 * Minute), rate.PerMinute), Is.EqualTo((false, 20.0)));
    }

    [Test]
    public void Throttled_Again_IsAShareOfTheRateThatItHas()
    {
        var rate = new AdaptiveRate(Third, "first", 100, null, 0);
        rate.Slow(Third, "second", 5_000);
        rate.Slow(new(null, 60, null), "third", 6_000);
        Assert.That((Math.Round(rate.PerMinute, 6), rate.Ceiling, rate.Because), Is.EqualTo((49.0, 100.0, "third")));
    }

    [TestCase(600, 10)]
    [TestCase(10, 1)]
    public void Pace_NeverMoreThanTheRateAndASecondsWorth(int perMinute, int atOnce)
    {
        var rate = new AdaptiveRate(new(null, perMinute, TimeSpan.FromHours(1)), "r", 10_000, null, 0);
        var went = new List<long>();
        for (var now = 0L; now < 5 * Minute; now += 7)
        {
            rate.Advance(now);
            if (rate.OpensAt > now)
                continue;
            rate.Granted(now);
            went.Add(now);
        }

        var most = went.Max(from => went.Count(at => at >= from && at < from + Minute));
        Assert.That(most, Is.InRange(perMinute - 1, perMinute + atOnce));
        Assert.That(went.Count, Is.GreaterThanOrEqualTo((5 * perMinute) - 1), "and the rate is used");
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void AnySteps_StayBetweenOneAndTheCeilingAndEndWhenMailGoesWell(int seed)
    {
        var random = new Random(seed);
        for (var run = 0; run < 200; run++)
        {
            double? limit = random.Next(2) == 0 ? random.Next(1, 10_000) : null;
            var rate = new AdaptiveRate(Any(random), "r", random.Next(0, 20_000), limit, 0);
            var now = 0L;
            for (var step = 0; step < 200; step++)
            {
                now += random.Next(20_000);
                var before = rate.PerMinute;
                if (random.Next(5) == 0)
                {
                    rate.Slow(Any(random), "again", now);
                    Assert.That(rate.PerMinute, Is.LessThanOrEqualTo(before));
                }
                else if (rate.Advance(now))
                {
                    break;
                }
                else if (rate.OpensAt <= now)
                {
                    rate.Granted(now);
                    if (random.Next(10) == 0)
                        rate.Returned();
                }

                Assert.That(rate.PerMinute, Is.InRange(1, rate.Ceiling));
                Assert.That(limit is null || rate.Ceiling <= limit, "never above what is configured");
            }

            // Each minute adds a tenth of a rate that may have been 1.
            var minutes = (int)rate.Ceiling + 40;
            for (; minutes > 0 && !rate.Advance(now); minutes--)
            {
                rate.Granted(now);
                now += Minute;
            }

            Assert.That(minutes, Is.GreaterThan(0), "mail went well and it is slowed for ever");
        }
    }

    [Test]
    public void Meter_SecondsInWhichMailWent_IsTheirAverage()
    {
        var meter = new RateMeter();
        Assert.That(meter.PerMinute, Is.Zero);
        for (var i = 0; i < 42; i++)
            meter.Add(1_700_000_000_000 + (i * 3_000 / 42));
        Assert.That(meter.PerMinute, Is.EqualTo(840));
        for (var i = 0; i < 5; i++)
            meter.Add(1_700_000_100_000);
        Assert.That(meter.PerMinute, Is.EqualTo(300), "what went long ago is forgotten");
        meter.Add(1_699_999_000_000);
        Assert.That(meter.PerMinute, Is.EqualTo(360), "the clock was set back");
    }

    private static SlowDown Any(Random random) =>
        new(
            random.Next(2) == 0 ? 0.01 + (random.NextDouble() * 0.98) : null,
            random.Next(2) == 0 ? random.Next(1, 1000) : null,
            random.Next(2) == 0 ? TimeSpan.FromSeconds(random.Next(1, 1800)) : null
        );
}
