using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Notation;

public sealed class NamesTests
{
    [Test]
    public void Tables_HaveEveryValueOnceInBothDirections()
    {
        Whole(WireNames.States);
        Whole(WireNames.RecipientStates);
        Whole(WireNames.Priorities);
        Whole(WireNames.Policies);
        Whole(EventNames.All);
        Whole(ReportStyles.Names);
        Whole(LargeFileActions.Names);
    }

    [TestCase("")]
    [TestCase("Sent")]
    [TestCase("sent ")]
    [TestCase("10")]
    public void Find_AnythingElse_IsNull(string name) => Assert.That(WireNames.States.Find(name), Is.Null);

    [Test]
    public void Of_AValueWithoutName_IsItsNumber() => Assert.That(WireNames.States.Of((MessageState)77), Is.EqualTo("77"));

    [TestCase("immediate", Priority.Immediate)]
    [TestCase("0", Priority.Immediate)]
    [TestCase("3", Priority.Low)]
    [TestCase("4", null)]
    [TestCase("03", null)]
    [TestCase("Low", null)]
    public void ParsePriority_NameOrNumber(string written, Priority? expected) =>
        Assert.That(WireNames.ParsePriority(written), Is.EqualTo(expected));

    private static void Whole<T>(Names<T> names)
        where T : struct, Enum
    {
        Assert.That(names.Select(one => one.Value), Is.EquivalentTo(Enum.GetValues<T>()));
        foreach (var (name, value) in names)
            Assert.That((names.Of(value), names.Find(name)), Is.EqualTo((name, (T?)value)));
    }
}
