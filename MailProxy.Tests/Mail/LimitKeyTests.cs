using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Mail;

internal sealed class LimitKeyTests
{
    private static readonly LimitKey[] All = [LimitKey.Installation, LimitKey.Of(new(7)), LimitKey.OfTenant(7)];

    [Test]
    public void Equals_SameNumberInAnotherScope_IsAnother() => Assert.That(All.Distinct().Count(), Is.EqualTo(All.Length));

    [TestCaseSource(nameof(All))]
    public void Stored_ReadAgain_IsTheSame(LimitKey key) => Assert.That(LimitKey.FromStored(key.Stored), Is.EqualTo(key));

    [Test]
    public void Stored_IsWhatFormerVersionsWrote() => Assert.That(All.Select(key => key.Stored), Is.EqualTo(new[] { 0, 7, -7 }));

    [TestCase(0)]
    [TestCase(-7)]
    public void Of_ANumberThatNobodyHas_IsRefused(int number)
    {
        Assert.That(() => LimitKey.Of(new(number)), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => LimitKey.OfTenant(number), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }
}
