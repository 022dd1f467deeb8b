using MailProxy.Pipeline.Report;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

public sealed class RetryPolicyTests
{
    private readonly RetryPolicy _policy = new(new ReportOptions());

    [TestCase(0, 1)]
    [TestCase(1, 5)]
    [TestCase(2, 15)]
    [TestCase(3, 60)]
    [TestCase(4, 120)]
    [TestCase(5, 240)]
    [TestCase(6, 480)]
    public void Delay_ByDefault_FollowsTheSchedule(int round, int minutes) =>
        Assert.That(_policy.Delay(round, null, 0.5), Is.EqualTo(TimeSpan.FromMinutes(minutes)));

    [TestCase(7)]
    [TestCase(70)]
    public void Delay_ScheduleUsedUp_IsNull(int round) => Assert.That(_policy.Delay(round, TimeSpan.FromSeconds(5), 0.5), Is.Null);

    [TestCase(0.0, 54)]
    [TestCase(0.25, 57)]
    [TestCase(1.0, 66)]
    public void Delay_Chance_SpreadsByTenPercent(double chance, double seconds) =>
        Assert.That(_policy.Delay(0, null, chance)!.Value.TotalSeconds, Is.EqualTo(seconds).Within(0.001));

    [TestCase(0, 1)]
    [TestCase(-5, 1)]
    [TestCase(1, 1)]
    [TestCase(300, 300)]
    [TestCase(28_800, 28_800)]
    [TestCase(90_000, 28_800)]
    public void Delay_Named_IsHonouredWithinBounds(int named, int seconds) =>
        Assert.That(_policy.Delay(3, TimeSpan.FromSeconds(named), 0.9), Is.EqualTo(TimeSpan.FromSeconds(seconds)));

    [Test]
    public void Delay_OwnSchedule_IsRead()
    {
        var policy = new RetryPolicy(new ReportOptions { RetryMinutes = " 0.5,2 " });

        Assert.That(
            Enumerable.Range(0, 3).Select(round => policy.Delay(round, null, 0.5)),
            Is.EqualTo(new TimeSpan?[] { TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2), null })
        );
    }
}
