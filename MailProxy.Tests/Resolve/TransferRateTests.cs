using CsCheck;
using MailProxy.Pipeline.Resolve;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

internal sealed class TransferRateTests
{
    private static readonly TimeSpan Stretch = TimeSpan.FromSeconds(30);

    [Test]
    public void IsTooSlow_ADrip_AfterOneStretch()
    {
        var rate = new TransferRate(1024, Stretch);
        for (var second = 2; second < 30; second += 2)
            Assert.That(rate.IsTooSlow(1, TimeSpan.FromSeconds(second)), Is.False);
        Assert.That(rate.IsTooSlow(1, Stretch), Is.True);
    }

    [Test]
    public void IsTooSlow_HasteThenADrip_IsSeenInTheNextStretch()
    {
        var rate = new TransferRate(1024, Stretch);
        Assert.That(rate.IsTooSlow(50_000_000, TimeSpan.FromSeconds(1)), Is.False);
        Assert.That(rate.IsTooSlow(1, TimeSpan.FromSeconds(31)), Is.False);
        Assert.That(rate.IsTooSlow(1, TimeSpan.FromSeconds(62)), Is.True);
    }

    [Test]
    public void IsTooSlow_NeverForWhatKeepsTheRate_AndNeverWithoutOne()
    {
        Gen.Select(Gen.Int[1, 20_000], Gen.Int[0, 5_000])
            .Array[1, 200]
            .Sample(steps =>
            {
                var (kept, free, at) = (new TransferRate(1000, Stretch), new TransferRate(0, Stretch), 0L);
                foreach (var (pause, more) in steps)
                {
                    at += pause;
                    if (kept.IsTooSlow(pause + more, TimeSpan.FromMilliseconds(at)) || free.IsTooSlow(0, TimeSpan.FromMilliseconds(at)))
                        return false;
                }

                return true;
            });
    }
}
