using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Mail;

internal sealed class FlowKeyTests
{
    // They stand in stores: another number for a batch whose mail waits would make it two batches.
    [TestCase("b1", 3331641407194)]
    [TestCase("newsletter-2026-11", 57435705364473)]
    [TestCase("", 172505283356887)]
    [TestCase(null, 0)]
    public void Of_ABatch_IsAlwaysTheSameNumber(string? batch, long number) =>
        Assert.That(FlowKey.Of(batch), Is.EqualTo(new FlowKey(number)));

    [Test]
    public void Of_ManyBatches_AreManyNumbersOfSixBytes()
    {
        var numbers = Enumerable.Range(0, 100_000).Select(static i => FlowKey.Of($"batch-{i}").Number).ToHashSet();

        Assert.That(numbers, Has.Count.EqualTo(100_000));
        Assert.That(numbers, Has.All.InRange(1L, (1L << 48) - 1));
    }
}
