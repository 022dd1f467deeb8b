using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Resolve;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

[TestFixture]
internal sealed class LargeFileRuleTests
{
    private static readonly LargeFile[] Files = [File(0, 100), File(1, 101), File(2, 500, inline: true), File(3, 999)];

    [TestCase(LargeFileAction.Warn, "", "1,2,3", "")]
    [TestCase(LargeFileAction.Reject, "", "", "1,2,3")]
    [TestCase(LargeFileAction.Link, "1,3", "2", "")]
    public void Plan_Action_SortsWhatIsAboveTheThreshold(LargeFileAction action, string link, string warn, string reject)
    {
        var plan = LargeFileRule.Plan(new(100, action, "files"), Files, static _ => false);
        Assert.That((Numbers(plan.Link), Numbers(plan.Warn), Numbers(plan.Reject)), Is.EqualTo((link, warn, reject)));
    }

    [Test]
    public void Plan_NoRule_IsNothing() =>
        Assert.That(LargeFileRule.Plan(null, Files, static _ => false), Is.SameAs(LargeFilePlan.Nothing));

    [TestCase(LargeFileAction.Reject)]
    [TestCase(LargeFileAction.Link)]
    public void Plan_LinkedAlready_IsLeftAlone(LargeFileAction action)
    {
        var plan = LargeFileRule.Plan(new(100, action, "files"), Files, index => index is 1 or 2 or 3);
        Assert.That(plan.Link.Count + plan.Warn.Count + plan.Reject.Count, Is.Zero);
    }

    private static LargeFile File(int index, long size, bool inline = false) =>
        new(index, $"{index}.bin", null, size, inline, () => Stream.Null);

    private static string Numbers(IReadOnlyList<LargeFile> files) => string.Join(',', files.Select(f => f.Index));
}
