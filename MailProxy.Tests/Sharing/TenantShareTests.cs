using MailProxy.Pipeline.Sharing;
using NUnit.Framework;

namespace MailProxy.Tests.Sharing;

public sealed class TenantShareTests
{
    private readonly TenantShare _half = new(0.5, static () => true);

    [TestCase(0, 0, 100, true, TestName = "Allows_NothingIsHeld_WhateverFits")]
    [TestCase(0, 0, 200, true, TestName = "Allows_LargerThanEverything_Alone")]
    [TestCase(1, 0, 100, false, TestName = "Allows_DoesNotFit_No")]
    [TestCase(0, 40, 10, true, TestName = "Allows_UpToHalf_Yes")]
    [TestCase(0, 40, 11, false, TestName = "Allows_BeyondHalf_No")]
    [TestCase(50, 20, 5, true, TestName = "Allows_HalfOfWhatOthersLeave_Yes")]
    [TestCase(50, 20, 6, false, TestName = "Allows_BeyondHalfOfWhatOthersLeave_No")]
    [TestCase(60, 0, 40, true, TestName = "Allows_HoldsNothing_OneOfAnySizeThatIsFree")]
    public void Allows(long others, long held, long amount, bool expected) =>
        Assert.That(_half.Allows(100, others, held, amount), Is.EqualTo(expected));

    [Test]
    public void Allows_OnlyTenant_Everything()
    {
        var alone = new TenantShare(0.5, static () => false);
        Assert.That(alone.Allows(100, 0, 60, 40), Is.True);
        Assert.That(alone.Of(100, 0), Is.EqualTo(100));
    }

    [Test]
    public void Allows_ManyTakeAllTheyMay_EqualPartsAndCapacityRemains([Values(1, 2, 5, 20)] int tenants)
    {
        const long Capacity = 10_000;
        var held = new long[tenants];
        for (var moved = true; moved; )
        {
            moved = false;
            for (var i = 0; i < tenants; i++)
            {
                if (!_half.Allows(Capacity, held.Sum() - held[i], held[i], 1))
                    continue;
                held[i]++;
                moved = true;
            }
        }

        Assert.That(held.Max() - held.Min(), Is.LessThanOrEqualTo(1));
        Assert.That(Capacity - held.Sum(), Is.GreaterThanOrEqualTo(held.Min()));
    }
}
