using MailProxy.Pipeline.Accounts;
using NUnit.Framework;

namespace MailProxy.Tests.Ingest;

[TestFixture]
internal sealed class LargeFileRulesTests
{
    [TestCase(LargeFileAction.Reject, """{"filename":"a","content":"SGVsbG8h"}""", "/attachments/0/content")]
    [TestCase(LargeFileAction.Reject, """{"filename":"a","storage_path":"base64:SGVsbG8h"}""", null)] // told by a report
    [TestCase(LargeFileAction.Reject, """{"filename":"a","source":"https://x.example/a","size":6}""", "/attachments/0/size")]
    [TestCase(LargeFileAction.Reject, """{"filename":"a","content":"SGVsbG8="}""", null)]
    [TestCase(LargeFileAction.Reject, """{"filename":"a","source":"https://x.example/a"}""", null)]
    [TestCase(LargeFileAction.Link, """{"filename":"a","content":"SGVsbG8h"}""", null)]
    [TestCase(LargeFileAction.Warn, """{"filename":"a","content":"SGVsbG8h"}""", null)]
    public void Judge_AccountsRule_OnlyRejectRefusesWhatIsKnownToBeLarger(LargeFileAction action, string attachment, string? pointer)
    {
        var account = Rules.Account(1, "main") with { LargeFiles = new(5, action, "docs") };
        var line = Rules.JudgeWith($"\"attachments\":[{attachment}]", Rules.With(account));
        Assert.That(line.Errors(), Is.EqualTo(pointer is null ? [] : new[] { (pointer, "too_large") }));
    }

    [Test]
    public void LargeFilesOf_AccountWithoutARule_HasItsTenants()
    {
        LargeFiles tenants = new(1, LargeFileAction.Warn),
            own = new(2, LargeFileAction.Reject);
        var directory = new AccountDirectory(
            [],
            null,
            new([
                new()
                {
                    Id = "default",
                    Name = "x",
                    LargeFiles = tenants,
                },
            ])
        );
        Assert.That(directory.LargeFilesOf(Rules.Account(1, "main")), Is.SameAs(tenants));
        Assert.That(directory.LargeFilesOf(Rules.Account(1, "main") with { LargeFiles = own }), Is.SameAs(own));
        Assert.That(directory.LargeFilesOf(Rules.Account(1, "main", "gone")), Is.Null);
    }
}
