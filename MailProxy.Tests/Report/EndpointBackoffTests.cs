using CsCheck;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Report;
using NUnit.Framework;
using static MailProxy.Tests.Report.Mails;

namespace MailProxy.Tests.Report;

public sealed class EndpointBackoffTests
{
    private const long Hours75 = 75 * 3_600_000L;

    private readonly EndpointBackoff _backoff = new(TimeSpan.FromHours(75), 0.1, () => 0.5);

    [Test]
    public void Failed_StyleGenro_IsAskedEveryFiveMinutesAndNeverDisabled()
    {
        var (progress, now) = (new EndpointProgress(3), Now);
        var waits = new HashSet<long>();
        for (var i = 0; i < 20_000; i++)
        {
            (progress, var until) = _backoff.For(ReportStyle.Genro).Failed(progress, "no", TimeSpan.FromHours(i % 2), now);
            waits.Add(until - now);
            now = until;
        }

        Assert.That((waits.Max(), progress.DisabledAt), Is.EqualTo((300_000L, (long?)null)));
        Assert.That(_backoff.For(ReportStyle.Sync), Is.SameAs(_backoff));
    }

    [Test]
    public void Failed_InARow_WaitsLongerAndThenEveryQuarterOfAnHour()
    {
        var (progress, now) = (new EndpointProgress(3), Now);
        var waits = new List<long>();
        for (var i = 0; i < 6; i++)
        {
            (progress, var until) = _backoff.Failed(progress, "no", null, now);
            waits.Add((until - now) / 1000);
            now = until;
        }

        Assert.Multiple(() =>
        {
            Assert.That(waits, Is.EqualTo(new[] { 5, 30, 300, 900, 900, 900 }));
            Assert.That(progress, Is.EqualTo(new EndpointProgress(3, Now, 6, null, "no")));
        });
    }

    [TestCase(0, 1)]
    [TestCase(120, 120)]
    [TestCase(900_000, 86_400)]
    public void Failed_RetryAfter_IsHonouredWithinBounds(int named, int seconds) =>
        Assert.That(_backoff.Failed(new(0), "no", TimeSpan.FromSeconds(named), Now).Until, Is.EqualTo(Now + seconds * 1000L));

    [Test]
    public void Failed_CloseToTheEnd_IsTriedOnceMoreAtTheEnd() =>
        Assert.That(_backoff.Failed(new(0, Now - Hours75 + 1000, 300), "no", null, Now).Until, Is.EqualTo(Now + 1000));

    [Test]
    public void Failed_AcrossAStepOfTheClock_IsAsOldAsItWasTried()
    {
        const long Decades = 56L * 365 * 86_400_000;
        var (first, _) = _backoff.Failed(new(0), "no", null, Now - Decades);
        var (second, until) = _backoff.Failed(first, "no", null, Now, (Now - Decades, TimeSpan.FromSeconds(5)));
        Assert.That((second.DisabledAt, second.FailingSince, until), Is.EqualTo(((long?)null, (long?)Now - 5_000, Now + 30_000)));

        var (back, _) = _backoff.Failed(second, "no", null, Now - Decades, (Now, TimeSpan.FromSeconds(30)));
        Assert.That((back.DisabledAt, back.FailingSince), Is.EqualTo(((long?)null, (long?)Now - Decades - 35_000)));
    }

    [TestCase(1)]
    [TestCase(10)]
    [TestCase(300)]
    public void Failed_AfterTheDaemonWasOff_ItsRestDoesNotCount(int failures)
    {
        var (progress, _) = _backoff.Failed(new(0, Now - 30L * 86_400_000, failures), "no", null, Now);
        var took = Now - progress.FailingSince!.Value;
        Assert.That(took, Is.LessThanOrEqualTo((long)(failures * 900_000 * 1.1)));
        Assert.That(progress.DisabledAt is not null, Is.EqualTo(failures == 300));
    }

    [Test]
    public void Failed_InAnyRow_IsDisabledAfterItsTimeAndNotBefore() =>
        Gen.Int[0, 100]
            .Array[400]
            .Sample(
                jitters =>
                {
                    var (progress, now, stepped) = (new EndpointProgress(0), Now, 0L);
                    (long At, TimeSpan Ago)? last = null;
                    foreach (var jitter in jitters)
                    {
                        (progress, var until) = _backoff.Failed(progress, "no", null, now, last);
                        if (progress.DisabledAt is not null)
                            return stepped >= Hours75 && stepped <= Hours75 + 1_000_000;
                        var wait = until - now;
                        stepped += wait;
                        last = (now, TimeSpan.FromMilliseconds(wait));
                        now += wait + (jitter - 50) * 86_400_000L; // somebody sets the clock by days
                    }

                    return false;
                },
                iter: 50
            );

    [TestCase(-1, false)]
    [TestCase(0, true)]
    public void Failed_SeventyFiveHoursAfterTheFirst_IsDisabled(int late, bool disabled) =>
        Assert.That(
            _backoff.Failed(new(0, Now - (Hours75 + late), 300), "no", null, Now).Progress.DisabledAt is not null,
            Is.EqualTo(disabled)
        );
}
