using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;
using static MailProxy.Tests.Report.Mails;

namespace MailProxy.Tests.Report;

public sealed class EndpointBackoffTests
{
    private const long Hours75 = 75 * 3_600_000L;

    private readonly EndpointBackoff _backoff = new(TimeSpan.FromHours(75), 0.1, () => 0.5);

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

    [TestCase(-1, false)]
    [TestCase(0, true)]
    public void Failed_SeventyFiveHoursAfterTheFirst_IsDisabled(int late, bool disabled) =>
        Assert.That(_backoff.Failed(new(0, Now - (Hours75 + late), 300), "no", null, Now).Progress.DisabledAt is not null, Is.EqualTo(disabled));
}
