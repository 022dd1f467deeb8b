using MailProxy.Pipeline.Telemetry;
using NUnit.Framework;

namespace MailProxy.Tests.Telemetry;

/// <summary>What flowed in the last hour.</summary>
[TestFixture]
internal sealed class FlowHistoryTests
{
    private const long Now = 1_800_000_000_000;

    [Test]
    public void Read_OfNothing_IsAnHourOfEmptySteps()
    {
        var steps = new FlowHistory().Read(Now);

        Assert.That(steps, Has.Count.EqualTo(360));
        Assert.That(steps[^1].At, Is.EqualTo(Now));
        Assert.That(steps[0].At, Is.EqualTo(Now - 3_590_000));
        Assert.That(steps.Sum(static step => step.Accepted + step.Sent + step.Deferred + step.Failed), Is.Zero);
        Assert.That(steps.All(static step => step is { Median: null, Slowest: null }));
    }

    [Test]
    public void Counts_StandInTheirSteps_AndAnHourLaterTheirPlaceBeginsAnew()
    {
        var flow = new FlowHistory();
        flow.Accepted(Now, 3);
        flow.Accepted(Now + 9_999, 1);
        flow.Sent(Now + 10_000, .5);
        flow.Deferred(Now + 10_000);
        flow.Failed(Now + 10_000);

        var steps = flow.Read(Now + 10_000);
        Assert.That(steps[^2].Accepted, Is.EqualTo(4));
        Assert.That((steps[^1].Sent, steps[^1].Deferred, steps[^1].Failed), Is.EqualTo((1, 1, 1)));
        flow.Accepted(Now + 3_600_000, 7);
        var later = flow.Read(Now + 3_600_000);
        Assert.That((later[^1].Accepted, later[0].Sent), Is.EqualTo((7, 1)));
        Assert.That(later.Sum(static step => step.Accepted), Is.EqualTo(7));
    }

    [Test]
    public void Quantiles_LieInTheBucketsOfWhatTookThem()
    {
        var flow = new FlowHistory();
        for (var i = 0; i < 98; i++)
            flow.Sent(Now, .003);
        flow.Sent(Now, 7);
        flow.Sent(Now, 8);

        var step = flow.Read(Now)[^1];
        Assert.That(step.Median, Is.InRange(.002, .005));
        Assert.That(step.Slowest, Is.InRange(5, 10));
    }

    [Test]
    public void AClockThatIsSetBack_SpoilsNothing()
    {
        var flow = new FlowHistory();
        flow.Accepted(Now, 1);
        flow.Accepted(Now - 7_200_000, 1);
        flow.Accepted(-5, 1);

        Assert.That(flow.Read(Now).Sum(static step => step.Accepted), Is.InRange(0, 1));
        Assert.That(flow.Read(Now - 7_200_000)[^1].Accepted, Is.InRange(0, 1));
    }
}
